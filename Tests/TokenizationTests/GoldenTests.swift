import Foundation
import TestSupport
import Testing
import Tokenization

/// What `fixtures/generate/tokenizer_goldens.py` wrote.
private struct Goldens: Decodable {
    struct Configuration: Decodable {
        let lowercase: Bool
        let stripAccents: Bool?
        let splitChineseCharacters: Bool

        enum CodingKeys: String, CodingKey {
            case lowercase = "do_lower_case"
            case stripAccents = "strip_accents"
            case splitChineseCharacters = "tokenize_chinese_chars"
        }
    }

    struct Case: Decodable {
        let name: String
        let text: String
        let pair: String?
        let maximum: Int
        /// For each configuration: the ids, how many tokens have type 0, how many pieces were cut.
        let ids: [[Int32]]
        let firsts: [Int]
        let cut: [Int]
    }

    let configurations: [Configuration]
    let cases: [Case]
}

@Suite struct GoldenTests {
    private static func golden(_ name: String) -> URL {
        Fixtures.folder.appending(path: "goldens/\(name)")
    }

    @Test("every hard case gives the reference library's ids, types and cuts")
    func hardCases() throws {
        let data = try Data(contentsOf: Self.golden("tokenizer-goldens.json"))
        let goldens = try JSONDecoder().decode(Goldens.self, from: data)
        let vocabulary = try Vocabulary(contentsOf: Self.golden("tokenizer-vocabulary.txt"))
        #expect(goldens.cases.count > 500)
        for (index, stated) in goldens.configurations.enumerated() {
            let tokenizer = WordPieceTokenizer(
                vocabulary: vocabulary,
                configuration: TokenizerConfiguration(
                    lowercase: stated.lowercase,
                    stripAccents: stated.stripAccents,
                    splitChineseCharacters: stated.splitChineseCharacters
                )
            )
            for golden in goldens.cases {
                let encoding = tokenizer.encode(
                    golden.text,
                    pair: golden.pair,
                    maximumLength: golden.maximum
                )
                let name = "\(golden.name), configuration \(index)"
                #expect(encoding.ids == golden.ids[index], "\(name)")
                let second = encoding.ids.count - golden.firsts[index]
                let types =
                    [Int32](repeating: 0, count: golden.firsts[index])
                    + [Int32](repeating: 1, count: second)
                #expect(encoding.tokenTypes == types, "\(name)")
                #expect(encoding.truncated == golden.cut[index], "\(name)")
            }
        }
    }

    @Test("tokenizer.json has the bytes the reference library saves for the same pieces")
    func savedFile() throws {
        let saved = try Data(contentsOf: Self.golden("tokenizer-saved.json"))
        let special = ["[PAD]", "[UNK]", "a", "[CLS]", "[SEP]", "[MASK]"]
        let odd = ["##a", "\"", "\\", "é", "e\u{301}", "\u{2028}", "\u{7F}", "/", "日"]
        let files = TokenizerFiles.files(
            vocabulary: try Vocabulary(pieces: special + odd),
            configuration: TokenizerConfiguration(
                lowercase: true,
                stripAccents: false,
                splitChineseCharacters: false
            ),
            maximumPositions: 512
        )
        let written = try #require(files.first { $0.name == "tokenizer.json" })
        #expect(Data(written.bytes) == saved)
    }
}
