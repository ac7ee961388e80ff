import Diagnostics
import Foundation
import TestSupport
import Testing
import Tokenization

@Suite("Words given one by one")
struct WordTests {
    /// What `BertTokenizerFast` makes of words: `fixtures/generate/token_goldens.py`.
    private struct Case: Decodable {
        let words: [String]
        let maximumLength: Int
        let ids: [Int32]
        /// Of each piece, its word; −1 for special ones.
        let wordNumbers: [Int]
    }

    private static func cases() throws -> [Case] {
        let url = Fixtures.folder.appending(path: "goldens/word_pieces.json")
        return try JSONDecoder().decode([Case].self, from: Data(contentsOf: url))
    }

    private static func tokenizer() throws -> WordPieceTokenizer {
        WordPieceTokenizer(
            vocabulary: try Vocabulary(
                contentsOf: Fixtures.folder.appending(path: "goldens/tokenizer-vocabulary.txt")
            ),
            configuration: TokenizerConfiguration(
                lowercase: true,
                stripAccents: nil,
                splitChineseCharacters: true,
                modelMaximumLength: 512
            )
        )
    }

    @Test func `pieces and first pieces are the Rust library's`() throws {
        let tokenizer = try Self.tokenizer()
        for golden in try Self.cases() {
            let found = tokenizer.encodeWords(
                [golden.words[...]],
                maximumLength: golden.maximumLength
            )[0]
            #expect(found.ids == golden.ids, "\(golden.words), \(golden.maximumLength)")
            let firsts = golden.wordNumbers.indices.filter { row in
                let word = golden.wordNumbers[row]
                return word >= 0 && golden.wordNumbers[row - 1] != word
            }
            #expect(found.rows == firsts)
            #expect(found.words == firsts.map { golden.wordNumbers[$0] })
            let absent = golden.words.count - firsts.count
            #expect(found.cutWords + found.emptyWords == absent)
        }
    }

    @Test func `words without pieces and words cut off are told apart`() throws {
        let tokenizer = try Self.tokenizer()
        let words = ["\u{200B}", "cats", "only", "\u{7}", "only"]
        let whole = tokenizer.encodeWords([words[...]], maximumLength: 64)[0]
        #expect(whole.emptyWords == 2 && whole.cutWords == 0 && whole.words == [1, 2, 4])
        let cut = tokenizer.encodeWords([words[...]], maximumLength: 8)[0]
        #expect(cut.emptyWords == 2 && cut.cutWords == 1 && cut.words == [1, 2])
        #expect(cut.ids.count == 8)
    }
}
