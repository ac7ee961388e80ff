import Foundation
import Randomness
import TestSupport
import Testing
import Tokenization

/// Words of a few letters and digits are looked up from where they stand, all others scalar by
/// scalar. A control character is nothing to BERT, but keeps a word from being looked up in place:
/// with one behind every scalar, a text must give the same pieces.
@Suite struct ScanningPathTests {
    /// Ranges of scalars that random words are made of.
    private static let scripts: [ClosedRange<UInt32>] = [
        0x61...0x7A, 0x41...0x5A, 0x30...0x39, 0x21...0x7E, 0xC0...0x24F, 0x300...0x36F,
        0x370...0x3FF, 0x400...0x4FF, 0x590...0x6FF, 0x900...0xDFF, 0x1100...0x11FF,
        0x1E00...0x1FFF, 0x2000...0x206F, 0x20D0...0x20F0, 0x3040...0x30FF, 0x4E00...0x9FFF,
        0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE00...0xFFEF, 0x1D157...0x1D1C0, 0x1F300...0x1FAFF,
        0x20000...0x2CEAF, 0x80...0xD7FF, 0xE000...0x10FFFF, 0x01...0x1F, 0x7F...0xAD,
    ]
    private static let joins = [
        " ", " ", " ", "", "  ", "\t", "\n", "\u{A0}", "\u{3000}", "-", ", ", ".", "’", "“", "—",
    ]

    private struct Texts {
        var random: Philox
        let vocabulary: Vocabulary

        private mutating func below(_ count: Int) -> Int {
            Int(random.nextBelow(UInt32(count)))
        }

        private mutating func word() -> String {
            switch below(8) {
            case 0...2:
                var letters = String.UnicodeScalarView()
                for _ in 0..<below(20) {
                    let script =
                        below(4) > 0 ? below(4) : 4 + below(ScanningPathTests.scripts.count - 4)
                    letters.append(scalar(ScanningPathTests.scripts[script]))
                }
                return String(letters)
            case 3:
                var letters = String.UnicodeScalarView()
                let script = ScanningPathTests.scripts[below(ScanningPathTests.scripts.count)]
                for _ in 0..<below(12) { letters.append(scalar(script)) }
                return String(letters)
            case 4:
                return String(repeating: "Ab1", count: below(45))
            default:
                // Pieces of the vocabulary one after the other, as words have them.
                var word = ""
                for _ in 0...below(4) {
                    let piece = vocabulary.pieces[below(vocabulary.count)]
                    if piece.hasPrefix("[") { continue }
                    word += piece.hasPrefix("##") ? String(piece.dropFirst(2)) : piece
                }
                return below(3) == 0 ? word.uppercased() : word
            }
        }

        private mutating func scalar(_ range: ClosedRange<UInt32>) -> Unicode.Scalar {
            let value = range.lowerBound + random.nextBelow(UInt32(range.count))
            return Unicode.Scalar(value) ?? "\u{FFFD}"
        }

        mutating func next() -> String {
            var text = ""
            for _ in 0..<below(9) {
                text += word()
                text += ScanningPathTests.joins[below(ScanningPathTests.joins.count)]
            }
            // A literal special piece must not be made one by what is put in, or stop being one.
            return String(text.unicodeScalars.filter { $0 != "[" }.map { Character($0) })
        }
    }

    @Test(
        "texts have the same pieces whichever way their words are looked up",
        arguments: [(true, nil), (false, nil), (true, false), (false, true)] as [(Bool, Bool?)]
    )
    func samePieces(lowercase: Bool, stripAccents: Bool?) throws {
        let vocabulary = try Vocabulary(
            contentsOf: Fixtures.folder.appending(path: "goldens/tokenizer-vocabulary.txt")
        )
        var texts = Texts(random: Philox(seed: 7, purpose: .sampling), vocabulary: vocabulary)
        for limit in [100, 1, 5, 7, 8, 9] {
            let tokenizer = WordPieceTokenizer(
                vocabulary: vocabulary,
                configuration: TokenizerConfiguration(
                    lowercase: lowercase,
                    stripAccents: stripAccents,
                    maximumWordLength: limit
                )
            )
            var all: [UInt8] = []
            var places: [TextPlace] = []
            var encodings: [Encoding] = []
            var whole = 0
            for _ in 0..<2000 {
                let text = texts.next()
                var spread: [UInt8] = []
                var broken: [UInt8] = []
                for scalar in text.unicodeScalars {
                    spread += Array(String(scalar).utf8) + [0x07]
                    broken += Array(String(scalar).utf8) + [0xFF]
                }
                let encoding = tokenizer.encode(text, maximumLength: 1 << 20)
                let slow = tokenizer.encode(spread, maximumLength: 1 << 20)
                #expect(encoding == slow, "\(text.debugDescription), limit \(limit)")
                let invalid = tokenizer.encode(broken, maximumLength: 1 << 20)
                #expect(encoding == invalid, "\(text.debugDescription), limit \(limit)")
                if encoding.ids.contains(where: { $0 > 4 }) { whole += 1 }
                places.append(TextPlace(text: all.count..<all.count + text.utf8.count))
                all += text.utf8
                encodings.append(encoding)
            }
            #expect(whole > 500)
            // Where a text ends is no end of the memory: what follows must not be read as its own.
            let together = tokenizer.encode(
                places.count,
                in: all,
                maximumLength: 1 << 20,
                workers: 3
            ) { [places] in places[$0] }
            #expect(together.batch == PackedBatch(encodings))
            #expect(together.truncated == 0)
        }
    }

    @Test("a text may hold bytes of any kind")
    func anyBytes() throws {
        let vocabulary = try Vocabulary(
            contentsOf: Fixtures.folder.appending(path: "goldens/tokenizer-vocabulary.txt")
        )
        let tokenizer = WordPieceTokenizer(
            vocabulary: vocabulary,
            configuration: TokenizerConfiguration(lowercase: true)
        )
        var random = Philox(seed: 11, purpose: .sampling)
        for _ in 0..<5000 {
            let bytes = (0..<random.nextBelow(40)).map { _ in
                let byte = UInt8(random.nextBelow(256))
                let isPlain = random.nextBelow(3) > 0 || byte == UInt8(ascii: "[")
                return isPlain ? UInt8(0x61 + random.nextBelow(26)) : byte
            }
            let repaired = String(decoding: bytes, as: UTF8.self)
            let found = tokenizer.encode(bytes, maximumLength: 64)
            #expect(found == tokenizer.encode(repaired, maximumLength: 64), "\(bytes)")
        }
    }

    @Test("the longest piece is found at every length", arguments: 1...80)
    func everyLength(longest: Int) throws {
        // Pieces of every third length, some of which differ in the last byte only.
        let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        let lengths = stride(from: longest, to: 0, by: -3).map { String(repeating: "a", count: $0) }
        let pieces = lengths.flatMap { [$0, String($0.dropLast()) + "b", "##\($0)"] } + ["##b"]
        let tokenizer = WordPieceTokenizer(
            vocabulary: try Vocabulary(pieces: special + pieces),
            configuration: TokenizerConfiguration(lowercase: true, maximumWordLength: 500)
        )
        for length in 1...200 {
            let word = String(repeating: "a", count: length)
            var rest = length
            var expected: [String] = []
            while rest > 0, let next = lengths.first(where: { $0.count <= rest }) {
                expected.append((expected.isEmpty ? "" : "##") + next)
                rest -= next.count
            }
            if rest > 0 { expected = ["[UNK]"] }
            #expect(tokenizer.tokens(word) == expected)
            #expect(tokenizer.tokens("\(word)\u{301} \(word)") == expected + expected)
        }
    }
}
