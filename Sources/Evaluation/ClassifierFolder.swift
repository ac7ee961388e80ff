public import Bert
public import BiLSTM
public import Datasets
public import Diagnostics
public import Foundation
public import Kernels
public import Tokenization

/// A folder with a sequence classifier or regressor of whatever kind, its weights not yet read.
public enum ClassifierFolder: Sendable {
    case bert(ModelFolder)
    case bilstm(BiLSTMFolder)

    /// Opens a folder by the kind that its configuration names.
    ///
    /// - Throws: `Failure` for one that holds no classifier.
    public static func open(_ url: URL) throws(Failure) -> ClassifierFolder {
        BiLSTMFolder.isOne(url)
            ? .bilstm(try BiLSTMFolder(contentsOf: url))
            : .bert(try ModelFolder.open(url, requireHead: true))
    }

    public var url: URL {
        switch self {
        case .bert(let folder): folder.url
        case .bilstm(let folder): folder.url
        }
    }

    public var taskKind: TaskKind {
        switch self {
        case .bert(let folder): folder.configuration.taskKind
        case .bilstm(let folder): folder.configuration.taskKind
        }
    }

    /// What it answers: texts, or their words.
    public var head: Head {
        switch self {
        case .bert(let folder): folder.configuration.head
        case .bilstm: .sequenceClassification
        }
    }

    /// The bytes of the weights on the disk.
    public var weightsByteCount: Int {
        switch self {
        case .bert(let folder): folder.weightsByteCount
        case .bilstm(let folder): folder.weightsByteCount
        }
    }

    public func loadVocabulary() throws(Failure) -> Vocabulary {
        switch self {
        case .bert(let folder): try folder.loadVocabulary()
        case .bilstm(let folder): try folder.loadVocabulary()
        }
    }

    /// Reads everything.
    ///
    /// - Parameter precision: the one that the model will answer in, if it is to be used for nothing
    ///   else; it then takes less memory.
    public func load(answeringIn precision: Precision? = nil) throws(Failure) -> SequenceClassifier
    {
        switch self {
        case .bert(let folder):
            let opened = try TextClassifier(contentsOf: folder.url, answeringIn: precision)
            return SequenceClassifier(
                url: folder.url,
                notes: folder.report.notes,
                vocabulary: opened.vocabulary,
                tokenizerConfiguration: opened.tokenizerConfiguration,
                model: opened.model
            )
        case .bilstm(let folder):
            let vocabulary = try folder.loadVocabulary()
            return SequenceClassifier(
                url: folder.url,
                notes: folder.notes,
                vocabulary: vocabulary,
                tokenizerConfiguration: try folder.loadTokenizerConfiguration(vocabulary),
                model: try folder.loadModel()
            )
        }
    }
}

/// A classifier or regressor of whatever kind, opened for work.
public struct SequenceClassifier: Sendable {
    public let url: URL
    /// Assumptions and remarks, as sentences.
    public let notes: [String]
    public let vocabulary: Vocabulary
    public let tokenizer: WordPieceTokenizer
    public let tokenizerConfiguration: TokenizerConfiguration
    public let model: any SequenceModel

    init(
        url: URL,
        notes: [String],
        vocabulary: Vocabulary,
        tokenizerConfiguration: TokenizerConfiguration,
        model: any SequenceModel
    ) {
        (self.url, self.notes, self.vocabulary) = (url, notes, vocabulary)
        self.tokenizerConfiguration = tokenizerConfiguration
        self.model = model
        tokenizer = WordPieceTokenizer(
            vocabulary: vocabulary,
            configuration: tokenizerConfiguration
        )
    }

    public init(
        contentsOf url: URL,
        answeringIn precision: Precision? = nil
    ) throws(Failure) {
        self = try ClassifierFolder.open(url).load(answeringIn: precision)
    }
}
