import Diagnostics
import Foundation

/// The part of `tokenizer_config.json` that decides what a text becomes.
struct TokenizerConfigurationFile {
    var lowercase: Bool?
    var stripAccents: Bool?
    var splitChineseCharacters: Bool?
    var maximumLength: Int?

    private static let largestFile = 16 << 20

    init(contentsOf url: URL) throws(Failure) {
        let subject = url.relativePath
        let bytes = try readFile(subject, limit: Self.largestFile)
        let content: Content
        do {
            content = try JSONDecoder().decode(Content.self, from: Data(bytes))
        } catch let error as DecodingError {
            throw Failure(.badData, subject, Self.reason(error))
        } catch {
            throw Failure(.badData, subject, "is not JSON")
        }
        lowercase = content.lowercase
        stripAccents = content.stripAccents
        splitChineseCharacters = content.splitChineseCharacters
        maximumLength = try Self.length(content.maximumLength, subject)
        try content.checkSupport(subject)
    }

    /// Anything beyond 32 bits is a way to say "no limit".
    private static func length(_ stated: Double?, _ subject: String) throws(Failure) -> Int? {
        guard let stated else { return nil }
        if stated >= Double(TokenizerConfiguration.unlimitedLength) {
            return TokenizerConfiguration.unlimitedLength
        }
        guard let length = Int(exactly: stated), length > 0 else {
            throw Failure(
                .badData,
                subject,
                "model_max_length should be a positive whole number, and is \(stated)"
            )
        }
        return length
    }

    private static func reason(_ error: DecodingError) -> String {
        func name(_ path: [any CodingKey]) -> String {
            path.map { printable($0.stringValue) }.joined(separator: ".")
        }
        switch error {
        case .typeMismatch(_, let context) where !context.codingPath.isEmpty,
            .valueNotFound(_, let context) where !context.codingPath.isEmpty,
            .keyNotFound(_, let context) where !context.codingPath.isEmpty:
            return "\(name(context.codingPath)) has a value of the wrong type"
        case .typeMismatch: return "is not a JSON object"
        default: return "is not JSON"
        }
    }
}

extension TokenizerConfigurationFile {
    /// A special piece, written as a string or as an object with its content.
    private struct Piece: Decodable {
        let content: String

        private enum CodingKeys: CodingKey { case content }

        init(from decoder: any Decoder) throws {
            if let text = try? decoder.singleValueContainer().decode(String.self) {
                content = text
            } else {
                let object = try decoder.container(keyedBy: CodingKeys.self)
                content = try object.decode(String.self, forKey: .content)
            }
        }
    }

    private struct Content: Decodable {
        let lowercase: Bool?
        let stripAccents: Bool?
        let splitChineseCharacters: Bool?
        let maximumLength: Double?
        let tokenizerClass: String?
        let padding: Piece?
        let unknown: Piece?
        let classification: Piece?
        let separator: Piece?
        let mask: Piece?
        let added: [String: Piece]?

        enum CodingKeys: String, CodingKey {
            case lowercase = "do_lower_case"
            case stripAccents = "strip_accents"
            case splitChineseCharacters = "tokenize_chinese_chars"
            case maximumLength = "model_max_length"
            case tokenizerClass = "tokenizer_class"
            case padding = "pad_token"
            case unknown = "unk_token"
            case classification = "cls_token"
            case separator = "sep_token"
            case mask = "mask_token"
            case added = "added_tokens_decoder"
        }

        /// Refuses what would silently give other pieces than the model was trained with.
        func checkSupport(_ subject: String) throws(Failure) {
            if let name = tokenizerClass, name.hasPrefix("BertJapanese") {
                throw Failure(
                    .badData,
                    subject,
                    "tokenizer_class \(printable(name)) splits words with a Japanese analyser, "
                        + "which this tokenizer does not have"
                )
            }
            let specials: [(CodingKeys, Piece?, Vocabulary.Special)] = [
                (.padding, padding, .padding), (.unknown, unknown, .unknown),
                (.classification, classification, .classification),
                (.separator, separator, .separator), (.mask, mask, .mask),
            ]
            for (key, piece, special) in specials {
                guard let piece, piece.content != special.rawValue else { continue }
                throw Failure(
                    .badData,
                    subject,
                    "\(key.rawValue) is \"\(printable(piece.content))\"; this tokenizer knows only "
                        + "\(special.rawValue)"
                )
            }
            let known = Set(Vocabulary.Special.allCases.map(\.rawValue))
            let added = (self.added ?? [:]).values.map(\.content)
            if let piece = added.filter({ !known.contains($0) }).min() {
                throw Failure(
                    .badData,
                    subject,
                    "adds the piece \"\(printable(piece))\" (of \(added.count) added ones), and "
                        + "this tokenizer matches no added pieces but \(known.sorted())"
                )
            }
        }
    }
}
