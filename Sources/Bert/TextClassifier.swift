public import Diagnostics
public import Foundation
public import Tokenization

/// A model folder opened for work: configuration, tokenizer and weights.
public struct TextClassifier: Sendable {
    public let folder: ModelFolder
    public let vocabulary: Vocabulary
    public let tokenizer: WordPieceTokenizer
    public let tokenizerConfiguration: TokenizerConfiguration
    public let model: BertModel

    /// Opens a folder with a task head.
    ///
    /// - Throws: `Failure` naming every tensor that is missing, superfluous, of another shape or not
    ///   finite, or the file that is not there.
    public init(contentsOf url: URL) throws(Failure) {
        let folder = try ModelFolder.open(url, requireHead: true)
        try self.init(folder, model: BertModel(folder.configuration, parameters: folder.loadParameters()))
    }

    /// Joins a folder's tokenizer with a model made from it.
    public init(_ folder: ModelFolder, model: BertModel) throws(Failure) {
        self.folder = folder
        self.model = model
        vocabulary = try Vocabulary(contentsOf: folder.vocabularyURL)
        let rows = folder.configuration.vocabularySize
        guard vocabulary.count <= rows else {
            throw Failure(
                .badData,
                folder.vocabularyURL.path,
                "expected at most \(rows) pieces (vocab_size in config.json), found \(vocabulary.count)",
                remedy: "Use the vocabulary the model was trained with"
            )
        }
        tokenizerConfiguration = try TokenizerConfiguration(folder: folder.url, vocabulary: vocabulary)
        tokenizer = WordPieceTokenizer(
            vocabulary: vocabulary,
            configuration: tokenizerConfiguration
        )
    }

    public var configuration: BertConfiguration { model.configuration }
}
