public import Bert
public import BiLSTM
public import Diagnostics

/// What of a model decides which texts it reads.
public protocol TextReader: Sendable {
    /// The most tokens of a sequence.
    var longestSequence: Int { get }

    /// Refuses a model that has no room for a text.
    ///
    /// - Parameter model: its folder as the user spelled it.
    func checkHoldsTexts(_ model: String) throws(Failure)

    /// Refuses pairs, or texts alone, for a model that does not read such.
    ///
    /// - Parameters:
    ///   - pairs: whether there are two texts to an example.
    ///   - source: where they are.
    ///   - model: its folder as the user spelled it.
    func checkReads(pairs: Bool, from source: String, model: String) throws(Failure)
}

extension BertConfiguration: TextReader {
    /// `[CLS] [SEP]` or, for pairs, `[CLS] [SEP] [SEP]`.
    public static let fewestPositions = 3

    public func checkHoldsTexts(_ model: String) throws(Failure) {
        guard longestSequence < Self.fewestPositions else { return }
        throw Failure(
            .badData,
            model,
            "the model has \(longestSequence) positions; a text needs "
                + "\(Self.fewestPositions) at least"
        )
    }

    public func checkReads(pairs: Bool, from source: String, model: String) throws(Failure) {
        guard pairs, !readsPairs else { return }
        throw Failure(
            .badData,
            source,
            "these are pairs of texts, which \(printable(model)) cannot read: its "
                + "\"type_vocab_size\" is 1"
        )
    }
}

extension BiLSTMConfiguration: TextReader {
    /// An LSTM has no positions to run out of.
    public var longestSequence: Int { Int(Int32.max) }

    public func checkHoldsTexts(_ model: String) throws(Failure) {}

    public func checkReads(pairs: Bool, from source: String, model: String) throws(Failure) {
        guard pairs != readsPairs else { return }
        throw Failure(
            .badData,
            source,
            pairs
                ? "these are pairs of texts, and the BiLSTM in \(printable(model)) reads one text"
                : "these are single texts, and the BiLSTM in \(printable(model)) reads pairs"
        )
    }
}
