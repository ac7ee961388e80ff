public import Bert
public import Diagnostics
public import Tokenization

/// Several teachers of one task, whose answers are averaged.
///
/// The average is of logits, and of scores in regression: z = Σ wᵢ zᵢ with weights that sum to 1. A
/// teacher that is surer of itself so counts for more than one with flat answers.
///
/// - Source: TextBrewer's `MultiTeacherDistiller`, Yang et al. 2020.
public struct TeacherEnsemble: Sendable {
    private let teachers: [BertInference]
    private let weights: [Double]

    /// - Parameter weights: one for each teacher, at least one above 0.
    public init(_ teachers: [BertInference], weights: [Double]) {
        precondition(!teachers.isEmpty && weights.count == teachers.count)
        self.teachers = teachers
        self.weights = weights
    }

    /// The averaged logits of a batch, row-major: `[B, C]`, or `[R, C]` of answered tokens.
    public func logits(_ batch: PackedBatch) -> [Float] {
        Self.average(teachers.map { $0.logits(batch) }, weights: weights)
    }

    /// The weighted average of several teachers' logits; one teacher's are left as they are.
    public static func average(_ logits: [[Float]], weights: [Double]) -> [Float] {
        guard logits.count > 1, let first = logits.first else { return logits.first ?? [] }
        let total = weights.reduce(0, +)
        return first.indices.map { index in
            Float(zip(logits, weights).reduce(0) { $0 + $1.1 * Double($1.0[index]) } / total)
        }
    }
}

extension TextClassifier {
    /// Refuses a teacher that reads other tokens, or answers other labels, than the first, or has another
    /// head.
    ///
    /// - Parameters:
    ///   - name: this teacher's, as the user spelled it.
    ///   - other: the first teacher's.
    public func check(
        teachesWith first: TextClassifier,
        name: String,
        other: String
    ) throws(Failure) {
        let (own, wanted) = (configuration, first.configuration)
        guard own.head == wanted.head else {
            throw Failure(
                .usage,
                name,
                "it has a \(own.head.phrase), and \(printable(other)) a \(wanted.head.phrase)",
                remedy: "Teachers of one student answer the same question"
            )
        }
        guard own.labels == wanted.labels, own.problemType == wanted.problemType else {
            func list(_ labels: [String]) -> String {
                labels.map(printable).joined(separator: ", ")
            }
            throw Failure(
                .usage,
                name,
                "it answers \(list(own.labels)), and \(printable(other)) answers "
                    + list(wanted.labels),
                remedy: "Teachers of one student have the same labels in the same order"
            )
        }
        let (tokens, others) = (tokenizerConfiguration, first.tokenizerConfiguration)
        let isSameTokenizer =
            tokens.lowercase == others.lowercase && tokens.stripsAccents == others.stripsAccents
            && tokens.splitChineseCharacters == others.splitChineseCharacters
        let isSameVocabulary = vocabulary.pieces.elementsEqual(first.vocabulary.pieces) {
            $0.utf8.elementsEqual($1.utf8)
        }
        guard isSameVocabulary, isSameTokenizer else {
            throw Failure(
                .usage,
                name,
                "its \(isSameVocabulary ? "tokenizer" : "vocabulary") is another than that of "
                    + printable(other),
                remedy: "Teachers of one student read the same tokens"
            )
        }
    }
}
