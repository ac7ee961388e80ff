import Datasets
public import Diagnostics
import Tokenization

/// Which sequences of a plain text are trained on, and what becomes of long ones.
///
/// - Source: the published code of Sanh et al. 2019 (DistilBERT): 12 tokens, a share of 0.5, and lines cut
///   in pieces.
public struct TextSelection: Sendable, Hashable {
    /// What becomes of a line of more tokens than fit.
    public enum LongTexts: String, Sendable, Hashable, CaseIterable {
        /// A stretch of it, another in each epoch: one example.
        case stretch
        /// Pieces side by side, each an example.
        case split
    }

    /// Shorter sequences are left out; special tokens are counted.
    public var minimumTokens: Int
    /// Sequences of which this share or more of the tokens are `[UNK]` are left out; 1 leaves none out.
    public var unknownShare: Double
    public var longTexts: LongTexts

    public init(
        minimumTokens: Int = 0,
        unknownShare: Double = 1,
        longTexts: LongTexts = .stretch
    ) {
        self.minimumTokens = minimumTokens
        self.unknownShare = unknownShare
        self.longTexts = longTexts
    }

    /// Why a sequence is left out.
    enum Fault {
        case tooShort
        case tooUnknown
    }

    /// - Parameters:
    ///   - ids: of the sequence, special tokens included; of a line that gives stretches, the whole line.
    ///   - longest: the most tokens of an example.
    func fault(_ ids: [Int32], longest: Int, unknown: Int32) -> Fault? {
        if min(ids.count, longest) < minimumTokens { return .tooShort }
        guard unknownShare < 1 else { return nil }
        let count = ids.count { $0 == unknown }
        return Double(count) >= unknownShare * Double(ids.count) ? .tooUnknown : nil
    }
}

extension TextData {
    /// What a selection makes of a text.
    public struct Census: Sendable, Hashable {
        /// Sequences that are trained on in an epoch.
        public var kept = 0
        public var tooShort = 0
        public var tooUnknown = 0
        /// Lines that were cut in pieces.
        public var split = 0
    }

    /// The same text with only the sequences that a selection leaves, which it reads once to count them.
    ///
    /// - Throws: `Failure` of kind `.badData` when none is left.
    public func selecting(_ selection: TextSelection) throws(Failure) -> TextData {
        guard selection != TextSelection() else { return self }
        var result = self
        result.selection = selection
        var census = Census()
        var lines = text.lines(epoch: 0, seed: 0)
        while let line = try lines.next() {
            let sequences = result.sequences(of: line)
            if sequences.count > 1 { census.split += 1 }
            for sequence in sequences {
                switch result.fault(sequence) {
                case nil: census.kept += 1
                case .tooShort: census.tooShort += 1
                case .tooUnknown: census.tooUnknown += 1
                }
            }
        }
        guard census.kept > 0 else {
            throw Failure(
                .badData,
                text.path,
                "no text is left to train on: \(census.tooShort) have fewer than "
                    + "\(selection.minimumTokens) tokens and \(census.tooUnknown) too many unknown ones",
                remedy: "Give longer lines, or another minimum-tokens and unknown-share"
            )
        }
        result.census = census
        return result
    }

    func fault(_ encoding: Encoding) -> TextSelection.Fault? {
        selection.fault(
            encoding.ids,
            longest: maximumLength,
            unknown: tokenizer.vocabulary.unknown
        )
    }

    /// A line as one sequence; in pieces where they are cut.
    func sequences(of line: [UInt8]) -> [Encoding] {
        let whole = tokenizer.encode(line, maximumLength: .max)
        guard selection.longTexts == .split, whole.ids.count > maximumLength,
            let first = whole.ids.first, let last = whole.ids.last
        else { return [whole] }
        let inner = whole.ids.dropFirst().dropLast()
        return stride(from: inner.startIndex, to: inner.endIndex, by: maximumLength - 2).map {
            let ids = [first] + inner[$0..<min($0 + maximumLength - 2, inner.endIndex)] + [last]
            return Encoding(
                ids: ids,
                tokenTypes: [Int32](repeating: 0, count: ids.count),
                truncated: 0
            )
        }
    }
}
