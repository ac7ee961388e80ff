import Checkpoints
public import Diagnostics
public import Foundation
public import Tokenization

/// Where a checkpoint's vocabulary is, and what its files say of how texts are folded.
public struct TokenizerSource: Sendable {
    /// The vocabulary's file, or the archive that holds it; the subject of every `Failure`.
    public let url: URL
    private let archive: KerasArchive?
    /// KerasHub's `tokenizer.json`, where the model has one.
    private let kerasTokenizer: URL?

    /// `vocab.txt`, KerasHub's `assets/tokenizer/vocabulary.txt`, or that of a `.keras` archive.
    static func find(
        _ weights: WeightsFinder,
        given: URL?
    ) throws(Failure) -> TokenizerSource? {
        if let given { return TokenizerSource(url: given, archive: nil, kerasTokenizer: nil) }
        if let archive = weights.archive, archive.hasVocabulary {
            return TokenizerSource(
                url: URL(filePath: archive.source),
                archive: archive,
                kerasTokenizer: nil
            )
        }
        let keras = weights.folder.appending(path: "tokenizer.json")
        for (name, isKeras) in [("vocab.txt", false), ("assets/tokenizer/vocabulary.txt", true)] {
            let url = weights.folder.appending(path: name)
            guard FileManager.default.fileExists(atPath: url.path) else { continue }
            let hasSettings = isKeras && FileManager.default.fileExists(atPath: keras.path)
            return TokenizerSource(
                url: url,
                archive: nil,
                kerasTokenizer: hasSettings ? keras : nil
            )
        }
        return nil
    }

    public func loadVocabulary() throws(Failure) -> Vocabulary {
        guard let archive else { return try Vocabulary(contentsOf: url) }
        return try Vocabulary(bytes: archive.vocabulary(), subject: archive.source)
    }

    /// How texts are folded: what `tokenizer_config.json` beside the vocabulary says, or what
    /// KerasHub's files say; without either, the vocabulary's look decides.
    public func loadConfiguration(
        _ vocabulary: Vocabulary
    ) throws(Failure) -> TokenizerConfiguration {
        if let archive {
            return try keras(archive.configuration(), vocabulary)
        }
        if let kerasTokenizer {
            let bytes = try readFile(kerasTokenizer)
            return try keras(
                JSONValue.parse(bytes, source: kerasTokenizer.relativePath),
                vocabulary
            )
        }
        return try TokenizerConfiguration(
            folder: url.deletingLastPathComponent(),
            vocabulary: vocabulary
        )
    }

    /// Keras' tokenizer lower-cases and strips accents only where it is told to.
    private func keras(
        _ value: JSONValue,
        _ vocabulary: Vocabulary
    ) throws(Failure) -> TokenizerConfiguration {
        guard let config = KerasConfiguration.tokenizer(in: value),
            case .bool(let lowercase)? = config["lowercase"]
        else {
            return try TokenizerConfiguration(
                folder: url.deletingLastPathComponent(),
                vocabulary: vocabulary
            )
        }
        var strips = false
        if case .bool(let value)? = config["strip_accents"] { strips = value }
        return TokenizerConfiguration(lowercase: lowercase, stripAccents: strips)
    }
}

extension KerasConfiguration {
    /// The settings of KerasHub's `BertTokenizer`.
    static func tokenizer(in value: JSONValue) -> [String: JSONValue]? {
        search(value) { members in
            guard case .string("BertTokenizer")? = members["class_name"],
                case .object(let config)? = members["config"]
            else { return nil }
            return config
        }
    }
}

extension TokenizerSource {
    /// The vocabulary of a model that has so many rows of word embeddings, which may be more than it has pieces.
    ///
    /// - Throws: `Failure` for one with more pieces.
    package func loadVocabulary(atMost size: Int) throws(Failure) -> Vocabulary {
        let vocabulary = try loadVocabulary()
        guard vocabulary.count <= size else {
            throw Failure(
                .badData,
                url.relativePath,
                "the vocabulary has \(vocabulary.count) pieces, and the model has word embeddings for "
                    + "\(size)"
            )
        }
        return vocabulary
    }

    /// The vocabulary of a model, which has one piece for each row of the word embeddings.
    package func loadVocabulary(size: Int) throws(Failure) -> Vocabulary {
        let vocabulary = try loadVocabulary()
        guard vocabulary.count == size else {
            throw Failure(
                .badData,
                url.relativePath,
                "the vocabulary has \(vocabulary.count) pieces, and config.json says \"vocab_size\" "
                    + "\(size)",
                remedy:
                    "Use the vocabulary the model was trained with; rows that stand for no piece "
                    + "need a line too, such as [unused0]"
            )
        }
        return vocabulary
    }
}
