public import Tensors

/// Which of a model's outputs somebody will read.
public struct OutputSelection: OptionSet, Sendable, Hashable {
    public let rawValue: Int

    public init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// What the configuration's head puts out; nothing for a bare encoder.
    public static let head = OutputSelection(rawValue: 1)
    public static let lastHiddenState = OutputSelection(rawValue: 2)
    public static let hiddenStates = OutputSelection(rawValue: 4)
    public static let poolerOutput = OutputSelection(rawValue: 8)
    /// Costs memory for every pair of a sequence's tokens, and time for a second softmax.
    public static let attentions = OutputSelection(rawValue: 16)
    public static let queryKeyValue = OutputSelection(rawValue: 32)
}

/// What a model puts out for a batch; nil is what was not selected or what the model does not have.
///
/// Dimension letters: `docs/numerics.md`. Rows of tokens are in the batch's order, without padding.
public struct ModelOutputs: Sendable {
    /// Of sequences `[B, C]`, of tokens `[T, C]`, or of choices `[B, 1]`.
    public var logits: Tensor?
    /// Where an answer starts, `[T]`.
    public var startLogits: Tensor?
    /// Where an answer ends, `[T]`.
    public var endLogits: Tensor?
    /// Of every word piece, `[R, V]`: R is T, or the number of rows that were asked for.
    public var predictionLogits: Tensor?
    /// Whether the second segment follows the first, `[B, 2]`.
    public var nextSentenceLogits: Tensor?
    /// Whether a token was replaced, `[T]`.
    public var replacedTokenLogits: Tensor?
    /// `[T, H]`
    public var lastHiddenState: Tensor?
    /// The embeddings, then each layer's output: L + 1 of `[T, H]`.
    public var hiddenStates: [Tensor]?
    /// `[B, H]`
    public var poolerOutput: Tensor?
    /// By layer, the attention probabilities: sequence after sequence `[N, n, n]`, end to end.
    public var attentions: [Tensor]?

    /// By layer, `[T, A]` each, heads side by side.
    public var queries: [Tensor]?
    public var keys: [Tensor]?
    public var values: [Tensor]?

    public init() {}
}
