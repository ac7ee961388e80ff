public import Bert
import Checkpoints
public import Diagnostics
import Foundation
public import Tensors
package import Tokenization

/// What a conversion will do, tensor by tensor; nothing has been written yet.
public struct ConversionPlan: Sendable {
    /// One tensor's way.
    public struct Row: Sendable {
        public let canonicalName: String
        /// The stored name in the source; `nil` for a tensor that is made.
        public let from: String?
        /// The file and the stored name in the target.
        public let file: String
        public let to: String
        public let shape: Shape
        public let elementType: ElementType
        let item: TensorCopy.Item

        /// What happens to the elements: `transposed`, `f32 to f16`, ….
        public let changes: [String]
        public var byteCount: Int { item.target.byteCount }
    }

    public let source: Checkpoint
    public let options: ConversionOptions
    /// What the target is a model of; `nil` when nobody knows, and the tensors keep their names.
    public let configuration: BertConfiguration?
    public let rows: [Row]
    /// What of the source is not written, with the rule that says so.
    public let ignored: [(name: String, rule: String)]
    /// What the target computes differently, as sentences; empty for an exact conversion.
    public let approximations: [String]
    /// Remarks, as sentences.
    public let notes: [String]

    package let vocabulary: Vocabulary?
    let tokenizer: TokenizerConfiguration?

    public var byteCount: Int { rows.reduce(0) { $0 + $1.byteCount } }

    /// Plans a conversion.
    ///
    /// - Throws: `Failure` when the source is no complete model of its configuration, the target
    ///   cannot express it, or an option does not fit.
    public init(_ source: Checkpoint, _ options: ConversionOptions) throws(Failure) {
        if source.configuration == nil, Verbatim.isPossible(source, options) {
            self.source = source
            self.options = options
            configuration = nil
            approximations = []
            (vocabulary, tokenizer) = (nil, nil)
            let verbatim = try Verbatim(source, options)
            (rows, ignored) = (verbatim.rows, verbatim.ignored)
            notes = source.notes + verbatim.notes
            return
        }
        var selection = try TensorSelection(source, options)
        let configuration = selection.configuration
        try TargetCheck.refuse(configuration, options, source)
        approximations = TargetCheck.approximations(configuration, options.format)
        guard approximations.isEmpty || options.allowsApproximation else {
            throw Failure(
                .usage,
                source.url.relativePath,
                "the target cannot express this model exactly: "
                    + approximations.joined(separator: "; "),
                remedy: "Convert it nevertheless with --allow-approximation"
            )
        }
        if options.format.isKerasHub { try selection.completeForKerasHub() }
        var notes =
            source.notes + selection.notes + TargetCheck.notes(configuration, options.format)
        let tokenizerFiles = try Self.tokenizer(source, configuration, options, &notes)
        vocabulary = tokenizerFiles?.0
        tokenizer = tokenizerFiles?.1
        if options.format.isKerasHub, configuration.head == .sequenceClassification,
            configuration.labels != (0..<configuration.labels.count).map({ "LABEL_\($0)" })
        {
            notes.append(
                "a KerasHub model has no labels; the outputs mean, in order, "
                    + configuration.labels.map(printable).joined(separator: ", ")
            )
        }
        self.source = source
        self.options = options
        self.configuration = configuration
        ignored = selection.ignored
        self.notes = notes
        rows = try TargetNames(configuration, options).rows(selection.tensors)
    }

    private static func tokenizer(
        _ source: Checkpoint,
        _ configuration: BertConfiguration,
        _ options: ConversionOptions,
        _ notes: inout [String]
    ) throws(Failure) -> (Vocabulary, TokenizerConfiguration)? {
        guard let tokenizer = source.tokenizer else {
            if configuration.family != .roberta {
                notes.append("there is no vocabulary: no tokenizer files are written")
            }
            return nil
        }
        let vocabulary = try tokenizer.loadVocabulary(atMost: configuration.vocabularySize)
        if vocabulary.count < configuration.vocabularySize {
            notes.append(
                "the vocabulary has \(vocabulary.count) pieces for \(configuration.vocabularySize) "
                    + "word embeddings"
            )
        }
        var settings = try tokenizer.loadConfiguration(vocabulary)
        if let isCased = options.isCased { settings.lowercase = !isCased }
        if settings.casingWasInferred, options.isCased == nil {
            notes.append(
                "no file states the casing; the vocabulary looks "
                    + (settings.lowercase ? "uncased" : "cased")
            )
        }
        return (vocabulary, settings)
    }
}

extension ConversionPlan.Row {
    func moved(to file: String, as name: String) -> ConversionPlan.Row {
        ConversionPlan.Row(
            canonicalName: canonicalName,
            from: from,
            file: file,
            to: name,
            shape: shape,
            elementType: elementType,
            item: item.renamed(name),
            changes: changes
        )
    }
}
