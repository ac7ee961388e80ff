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
        folder = try ModelFolder.open(url, requireHead: true)
        vocabulary = try folder.loadVocabulary()
        tokenizerConfiguration = try folder.loadTokenizerConfiguration(vocabulary)
        tokenizer = WordPieceTokenizer(
            vocabulary: vocabulary,
            configuration: tokenizerConfiguration
        )
        let weights = ParameterBuffer(ParameterLayout(folder.configuration))
        try folder.read(into: weights)
        model = BertModel(weights)
    }

    public var configuration: BertConfiguration { model.configuration }
}
