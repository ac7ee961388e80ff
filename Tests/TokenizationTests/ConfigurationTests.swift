import Diagnostics
import Foundation
import Testing
import Tokenization

@Suite struct ConfigurationTests {
    private func configuration(
        _ json: String?,
        pieces: [String] = ["a"]
    ) throws -> TokenizerConfiguration {
        let folder = try TemporaryFolder()
        if let json { _ = try folder.write("tokenizer_config.json", json.utf8) }
        let vocabulary = try Vocabulary(pieces: specialPieces + pieces)
        return try TokenizerConfiguration(folder: folder.url, vocabulary: vocabulary)
    }

    private func reason(_ json: String) throws -> String {
        try #require(throws: Failure.self) { _ = try configuration(json) }.reason
    }

    @Test("stated values are taken")
    func stated() throws {
        let found = try configuration(
            """
            {"do_lower_case": false, "strip_accents": true, "tokenize_chinese_chars": false,
             "model_max_length": 128, "tokenizer_class": "BertTokenizer", "unk_token": "[UNK]",
             "mask_token": {"content": "[MASK]", "lstrip": false}, "never_split": null}
            """
        )
        #expect(!found.lowercase && found.stripsAccents && !found.splitChineseCharacters)
        #expect(found.modelMaximumLength == 128)
        #expect(found.maximumWordLength == 100)
        #expect(!found.casingWasInferred)
    }

    @Test("accents are stripped as words are lower-cased unless a file says otherwise")
    func accentsFollowCasing() throws {
        #expect(try configuration(#"{"do_lower_case": true, "strip_accents": null}"#).stripsAccents)
        #expect(try !configuration(#"{"do_lower_case": false}"#).stripsAccents)
        let kept = try configuration(#"{"do_lower_case": true, "strip_accents": false}"#)
        #expect(kept.lowercase && !kept.stripsAccents)
    }

    @Test("casing is concluded from the vocabulary where no file states it")
    func inferred() throws {
        for json in [nil, "{}", #"{"do_lower_case": null}"#] {
            let uncased = try configuration(json, pieces: ["a", "##é", "[X1]", "Ⅷ̈"])
            #expect(uncased.casingWasInferred)
            #expect(try configuration(json, pieces: ["a", "##É"]).lowercase == false)
            #expect(try configuration(json, pieces: ["a", "##é", "日", "[X1]"]).lowercase)
        }
    }

    @Test(
        "a length of 1e30 means no limit, and so does none",
        arguments: [
            ("1000000000000000019884624838656", TokenizerConfiguration.unlimitedLength),
            ("1e30", TokenizerConfiguration.unlimitedLength), ("512.0", 512),
            ("null", TokenizerConfiguration.unlimitedLength),
        ]
    )
    func maximumLength(stated: String, expected: Int) throws {
        let found = try configuration(#"{"model_max_length": \#(stated)}"#)
        #expect(found.modelMaximumLength == expected)
    }

    @Test("lengths that are none are refused", arguments: ["0", "-1", "12.5", "-1e30"])
    func badLength(stated: String) throws {
        #expect(try reason(#"{"model_max_length": \#(stated)}"#).contains("model_max_length"))
    }

    @Test("a value of the wrong type is named")
    func wrongType() throws {
        #expect(try reason(#"{"do_lower_case": "true"}"#).contains("do_lower_case"))
        #expect(try reason(#"{"model_max_length": "512"}"#).contains("model_max_length"))
        #expect(try reason(#"{"cls_token": 5}"#).contains("cls_token"))
    }

    @Test("what is no JSON object is refused", arguments: ["", "{", "[]", "null", "\u{0}"])
    func noObject(text: String) throws {
        #expect(try reason(text).contains("JSON"))
    }

    @Test("settings that would give other pieces are refused, not passed over")
    func unsupported() throws {
        #expect(try reason(#"{"tokenizer_class": "BertJapaneseTokenizer"}"#).contains("Japanese"))
        #expect(try reason(#"{"unk_token": "<unk>"}"#).contains("<unk>"))
        let known = #"{"added_tokens_decoder": {"0": {"content": "[PAD]", "special": true}}}"#
        #expect(throws: Never.self) { try configuration(known) }
        let added = #"{"added_tokens_decoder": {"9": {"content": "[E1]"}}}"#
        #expect(try reason(added).contains("[E1]"))
    }

    @Test("the exported files are read back as they were, the length bound by the positions")
    func roundTrip() throws {
        let vocabulary = try Vocabulary(pieces: specialPieces + ["a", "##é", "日"])
        let folder = try TemporaryFolder()
        for limit in [128, TokenizerConfiguration.unlimitedLength] {
            var written = TokenizerConfiguration(
                lowercase: false,
                stripAccents: true,
                splitChineseCharacters: false,
                modelMaximumLength: limit
            )
            let files = TokenizerFiles.files(
                vocabulary: vocabulary,
                configuration: written,
                maximumPositions: 512
            )
            written.modelMaximumLength = min(limit, 512)
            #expect(
                files.map(\.name) == [
                    "vocab.txt", "tokenizer.json", "tokenizer_config.json",
                    "special_tokens_map.json",
                ]
            )
            for (name, bytes) in files { _ = try folder.write(name, bytes) }
            let read = try Vocabulary(contentsOf: folder.url.appending(path: "vocab.txt"))
            #expect(read.pieces.map { Array($0.utf8) } == vocabulary.pieces.map { Array($0.utf8) })
            #expect(try TokenizerConfiguration(folder: folder.url, vocabulary: read) == written)
        }
    }
}
