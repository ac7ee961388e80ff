import Checkpoints
public import Diagnostics
public import Foundation
public import Tensors
public import Tokenization

/// A classifier of sequences or of tokens, or an encoder that is to become one, with its configuration
/// and its vocabulary: a checkpoint of any layout, taken for that purpose.
public struct ModelFolder: Sendable {
    /// What was found in the weights, and what becomes of every tensor.
    public struct Report: Sendable {
        /// Which layout was recognised.
        public let layout: String
        /// What is in the file and not read, with the rule that says so.
        public let ignored: [(name: String, rule: String)]
        /// Parameters of the pooler and the head that the file does not hold and that training
        /// has to create. Empty when the head was required.
        public let absent: [String]
        /// Assumptions and remarks, as sentences.
        public let notes: [String]
    }

    public let url: URL
    public let checkpoint: Checkpoint
    public let configuration: BertConfiguration
    public let report: Report
    /// The vocabulary's file, or the archive that holds it.
    public var vocabularyURL: URL { tokenizer.url }
    /// The bytes of the weights on the disk.
    public var weightsByteCount: Int { checkpoint.store.fileByteCount }

    private let tokenizer: TokenizerSource

    /// Opens a model: reads the configuration, and the structure of the weights but no value.
    ///
    /// - Parameters:
    ///   - requireHead: whether a file without the pooler or the classifier is a `Failure`. When it is
    ///     not required, `report.absent` lists what has to be created; nothing else may be missing.
    ///   - head: which classifier the model is taken for; nil for the one that it has, and for
    ///     sequences where it has none.
    /// - Precondition: the head has labels.
    public static func open(
        _ url: URL,
        requireHead: Bool,
        head: Head? = nil
    ) throws(Failure) -> ModelFolder {
        precondition(head?.hasLabels ?? true, "a head without labels")
        return try ModelFolder(url, requireHead: requireHead, head: head)
    }

    private init(_ url: URL, requireHead: Bool, head: Head?) throws(Failure) {
        let checkpoint = try Checkpoint.open(url)
        guard var configuration = checkpoint.configuration else {
            throw checkpoint.configurationProblem
                ?? Failure(.missingInput, url.relativePath, "there is no configuration")
        }
        guard let tokenizer = checkpoint.tokenizer else {
            throw Failure(.missingInput, url.relativePath, "the folder has no vocab.txt")
        }
        let own = checkpoint.head
        let wanted = head ?? (own.hasLabels ? own : .sequenceClassification)
        configuration.head = wanted
        let rules = checkpoint.tensors.map { Self.rule($0.name, of: own, in: wanted) }
        let ignored = zip(checkpoint.tensors, rules).compactMap { tensor, rule in
            rule.map { (tensor.entry.name, $0) }
        }
        let found = Set(
            zip(checkpoint.tensors, rules).filter { $0.1 == nil }.map { $0.0.name }
        )
        let absent = BertParameters<Shape>(configuration).leaves.map(\.name)
            .filter { $0.hasPrefix("pooler.") || $0.hasPrefix("classifier.") }
            .filter { !found.contains($0) }
        if requireHead, absent.contains(where: { $0.hasPrefix("classifier.") }) {
            throw Self.headless(checkpoint, wanted)
        }
        self.url = url
        self.checkpoint = checkpoint
        self.configuration = configuration
        self.tokenizer = tokenizer
        report = Report(
            layout: checkpoint.layout,
            ignored: ignored + checkpoint.ignored
                + checkpoint.copies.map { ($0.entry.name, "a copy of \($0.name)") },
            absent: requireHead ? [] : absent,
            notes: checkpoint.notes
        )
    }

    /// Why a parameter is none of the wanted classifier's; `nil` when it is one.
    private static func rule(_ name: String, of head: Head, in wanted: Head) -> String? {
        if name.hasPrefix("cls.predictions.") { return Head.maskedLanguageModel.phrase }
        if name.hasPrefix("cls.seq_relationship.") { return Head.nextSentence.phrase }
        if name.hasPrefix("qa_outputs.") { return Head.questionAnswering.phrase }
        if name.hasPrefix("discriminator_predictions.") {
            return Head.replacedTokenDetection.phrase
        }
        if name.hasPrefix("classifier."), head != wanted { return head.phrase }
        if name.hasPrefix("pooler."), wanted == .tokenClassification {
            return "pooler, which a \(wanted.phrase) does not read"
        }
        return nil
    }

    private static func headless(_ checkpoint: Checkpoint, _ wanted: Head) -> Failure {
        Failure(
            .badData,
            checkpoint.store.source,
            checkpoint.head == .none
                ? "the file has no \(wanted.phrase): it is a bare encoder"
                : "the file has no \(wanted.phrase), only \(checkpoint.head.article)",
            remedy: "Train a head on it with \"bertkit finetune\" first"
        )
    }

    /// What the folder holds: the pooler and the classifier are `nil` exactly where `report.absent`
    /// says so.
    private var shapes: BertParameters<Shape> {
        var shapes = BertParameters<Shape>(configuration)
        // Half a head is a damaged file, not a missing head.
        if isAbsent("pooler.dense") { shapes.pooler = nil }
        if isAbsent("classifier") { shapes.classifier = nil }
        return shapes
    }

    /// Reads every parameter to its place: canonical names and orientation, 32-bit floats. Places of
    /// a pooler and a classifier that are absent stay as they are.
    ///
    /// Tensors that are missing, unexpected, mis-shaped or not finite are one `Failure` that lists
    /// them all.
    ///
    /// - Parameter whenRead: told of each parameter as soon as it is in its place, on whatever thread.
    /// - Returns: the names that were read.
    @discardableResult
    public func read(
        into weights: ParameterBuffer,
        whenRead: (@Sendable (_ name: String) -> Void)? = nil
    ) throws(Failure) -> Set<String> {
        let shapes = shapes
        try checkpoint.read(
            shapes,
            ignoring: Set(report.ignored.map(\.name)),
            into: weights,
            whenRead: whenRead
        )
        return Set(shapes.leaves.map(\.name))
    }

    /// Reads every parameter as a tensor of its own.
    ///
    /// - Throws: as `read(into:)`.
    public func loadParameters() throws(Failure) -> BertParameters<Tensor> {
        let weights = try ParameterBuffer(
            ParameterLayout(configuration, shapes),
            of: url.relativePath
        )
        try read(into: weights)
        return weights.layout.slots.map { _, slot in weights.tensor(slot) }
    }

    private func isAbsent(_ prefix: String) -> Bool {
        report.absent.contains("\(prefix).weight") && report.absent.contains("\(prefix).bias")
    }

    /// The vocabulary, which has one piece for each row of the word embeddings.
    public func loadVocabulary() throws(Failure) -> Vocabulary {
        try tokenizer.loadVocabulary(size: configuration.vocabularySize)
    }

    /// How the model's texts are folded.
    public func loadTokenizerConfiguration(
        _ vocabulary: Vocabulary
    ) throws(Failure) -> TokenizerConfiguration {
        try tokenizer.loadConfiguration(vocabulary)
    }
}
