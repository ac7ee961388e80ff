public import Diagnostics
public import Foundation
public import Kernels
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
    /// - Parameters:
    ///   - head: which classifier it has to have; nil for either, of sequences or of tokens.
    ///   - precision: the one that the model will answer in, if it is to be used for nothing else; it
    ///     then takes less memory (`BertModel.answers`).
    /// - Throws: `Failure` naming every tensor that is missing, superfluous, of another shape or not
    ///   finite, or the file that is not there.
    public init(
        contentsOf url: URL,
        head: Head? = nil,
        answeringIn precision: Precision? = nil
    ) throws(Failure) {
        folder = try ModelFolder.open(url, requireHead: true, head: head)
        vocabulary = try folder.loadVocabulary()
        tokenizerConfiguration = try folder.loadTokenizerConfiguration(vocabulary)
        tokenizer = WordPieceTokenizer(
            vocabulary: vocabulary,
            configuration: tokenizerConfiguration
        )
        let weights = try ParameterBuffer(
            ParameterLayout(folder.configuration),
            of: url.relativePath
        )
        if let precision {
            model = try BertModel(reading: folder, into: weights, answeringIn: precision)
        } else {
            try folder.read(into: weights)
            model = BertModel(weights)
        }
    }

    public var configuration: BertConfiguration { model.configuration }
}
