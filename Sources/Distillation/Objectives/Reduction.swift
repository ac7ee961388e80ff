/// How the losses of a batch's parts become one number; named in every run and log.
///
/// Only real tokens count: batches are packed, and no objective ever sees padding.
public enum Reduction: String, Sendable, Hashable, CaseIterable {
    /// The mean over all of the batch's tokens (for scores: pairs of tokens), so that long sequences
    /// weigh more.
    case tokenMean = "token-mean"
    /// The mean over each sequence's, then over sequences.
    case batchMean = "batch-mean"
}
