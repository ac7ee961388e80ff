/// The files that carry a tokenizer beside an exported model.
///
/// `transformers` and the Rust `tokenizers` read `tokenizer.json`; `tokenizer_config.json` states
/// casing and class; `vocab.txt` is what older readers and this package take;
/// `special_tokens_map.json` is read by `transformers` 4. The same vocabulary and configuration
/// give the same bytes.
public enum TokenizerFiles {
    /// Names and contents.
    ///
    /// - Parameter maximumPositions: The model's number of positions. A stated maximum length
    ///   beyond it, or none, is written as this.
    public static func files(
        vocabulary: Vocabulary,
        configuration: TokenizerConfiguration,
        maximumPositions: Int
    ) -> [(name: String, bytes: [UInt8])] {
        var configuration = configuration
        configuration.modelMaximumLength = min(configuration.modelMaximumLength, maximumPositions)
        return [
            ("vocab.txt", vocabularyText(vocabulary)),
            ("tokenizer.json", tokenizer(vocabulary, configuration).bytes),
            ("tokenizer_config.json", self.configuration(vocabulary, configuration).bytes),
            ("special_tokens_map.json", specialPieces(vocabulary).bytes),
        ]
    }

    private static func vocabularyText(_ vocabulary: Vocabulary) -> [UInt8] {
        var bytes: [UInt8] = []
        for piece in vocabulary.pieces {
            bytes += piece.utf8
            bytes.append(0x0A)
        }
        return bytes
    }

    /// The shape `tokenizers` itself writes, byte for byte.
    private static func tokenizer(
        _ vocabulary: Vocabulary,
        _ configuration: TokenizerConfiguration
    ) -> OrderedJSON {
        let specials = Vocabulary.Special.allCases
            .compactMap { special in vocabulary.id(of: special).map { (special.rawValue, $0) } }
            .sorted { $0.1 < $1.1 }
        return .object([
            ("version", .string("1.0")),
            ("truncation", .null),
            ("padding", .null),
            ("added_tokens", .array(specials.map(addedToken))),
            (
                "normalizer",
                .object([
                    ("type", .string("BertNormalizer")),
                    ("clean_text", .bool(true)),
                    ("handle_chinese_chars", .bool(configuration.splitChineseCharacters)),
                    ("strip_accents", .optional(configuration.stripAccents)),
                    ("lowercase", .bool(configuration.lowercase)),
                ])
            ),
            ("pre_tokenizer", .object([("type", .string("BertPreTokenizer"))])),
            ("post_processor", postProcessor(vocabulary)),
            (
                "decoder",
                .object([
                    ("type", .string("WordPiece")), ("prefix", .string("##")),
                    ("cleanup", .bool(true)),
                ])
            ),
            (
                "model",
                .object([
                    ("type", .string("WordPiece")),
                    ("unk_token", .string(Vocabulary.Special.unknown.rawValue)),
                    ("continuing_subword_prefix", .string("##")),
                    ("max_input_chars_per_word", .int(configuration.maximumWordLength)),
                    (
                        "vocab",
                        .object(vocabulary.pieces.enumerated().map { ($1, .int($0)) })
                    ),
                ])
            ),
        ])
    }

    private static func addedToken(_ content: String, _ id: Int32) -> OrderedJSON {
        .object([
            ("id", .int(Int(id))), ("content", .string(content)), ("single_word", .bool(false)),
            ("lstrip", .bool(false)), ("rstrip", .bool(false)), ("normalized", .bool(false)),
            ("special", .bool(true)),
        ])
    }

    private static func postProcessor(_ vocabulary: Vocabulary) -> OrderedJSON {
        let start = Vocabulary.Special.classification.rawValue
        let end = Vocabulary.Special.separator.rawValue
        func part(_ kind: String, _ id: String, _ type: Int) -> OrderedJSON {
            .object([(kind, .object([("id", .string(id)), ("type_id", .int(type))]))])
        }
        func special(_ name: String, _ id: Int32) -> (String, OrderedJSON) {
            let values: [(String, OrderedJSON)] = [
                ("id", .string(name)), ("ids", .array([.int(Int(id))])),
                ("tokens", .array([.string(name)])),
            ]
            return (name, .object(values))
        }
        let single = [
            part("SpecialToken", start, 0), part("Sequence", "A", 0), part("SpecialToken", end, 0),
        ]
        let second = [part("Sequence", "B", 1), part("SpecialToken", end, 1)]
        return .object([
            ("type", .string("TemplateProcessing")),
            ("single", .array(single)),
            ("pair", .array(single + second)),
            (
                "special_tokens",
                .object([
                    special(start, vocabulary.classification), special(end, vocabulary.separator),
                ])
            ),
        ])
    }

    private static func configuration(
        _ vocabulary: Vocabulary,
        _ configuration: TokenizerConfiguration
    ) -> OrderedJSON {
        var members = specialMembers(vocabulary)
        members += [
            ("do_lower_case", .bool(configuration.lowercase)),
            ("strip_accents", .optional(configuration.stripAccents)),
            ("tokenize_chinese_chars", .bool(configuration.splitChineseCharacters)),
            ("model_max_length", .int(configuration.modelMaximumLength)),
            ("tokenizer_class", .string("BertTokenizer")),
        ]
        return .object(members.sorted { $0.0 < $1.0 })
    }

    private static func specialPieces(_ vocabulary: Vocabulary) -> OrderedJSON {
        .object(specialMembers(vocabulary).sorted { $0.0 < $1.0 })
    }

    private static func specialMembers(_ vocabulary: Vocabulary) -> [(String, OrderedJSON)] {
        let keys: [(String, Vocabulary.Special)] = [
            ("cls_token", .classification), ("mask_token", .mask), ("pad_token", .padding),
            ("sep_token", .separator), ("unk_token", .unknown),
        ]
        return keys.compactMap { key, special in
            vocabulary.id(of: special) == nil ? nil : (key, .string(special.rawValue))
        }
    }
}
