public import Bert
import Checkpoints
public import Diagnostics
import Dispatch
import Foundation
import Kernels
import Synchronization
import Tensors
import Tokenization

/// Whether two checkpoints are the same model, whatever their layouts: tensor by tensor through
/// canonical names, then by what both answer.
public struct ModelComparison: Sendable {
    /// One tensor in both.
    public struct TensorDifference: Sendable, Encodable {
        public let name: String
        public let shape: [Int]
        public let isBitEqual: Bool
        public let maximum: Double
        public let mean: Double
        /// 1 for equal directions; `nil` when one of both has none: all zero, or not finite.
        public let cosine: Double?
        /// Whether every value of both is finite.
        let isFinite: Bool

        private enum CodingKeys: String, CodingKey {
            case name, shape, isBitEqual, maximum, mean, cosine
        }
    }

    /// One output of both on the same inputs.
    public struct OutputDifference: Sendable, Encodable {
        public let name: String
        public let count: Int
        public let maximum: Double
        public let mean: Double
    }

    public let tensors: [TensorDifference]
    /// Names that only one of both has, and shapes that differ, as sentences.
    public let mismatches: [String]
    /// What of both configurations differs and changes results, as sentences.
    public let configurationDifferences: [String]
    /// How both cut texts differently, as sentences; empty where one has no vocabulary.
    public let tokenizerDifferences: [String]
    /// `nil` when the models were not run.
    public let outputs: [OutputDifference]?
    /// Why they were not run.
    public let notRunBecause: String?

    /// The largest difference of any element of any tensor.
    public var maximumTensorDifference: Double { tensors.map(\.maximum).max() ?? 0 }

    /// Whether names, shapes and tokenizers agree, and tensors and outputs are within the tolerance.
    public func isSame(tolerance: Double) -> Bool {
        let outputsAgree = (outputs ?? []).allSatisfy { $0.maximum <= tolerance }
        return mismatches.isEmpty && tokenizerDifferences.isEmpty
            && maximumTensorDifference <= tolerance && outputsAgree
    }

    /// Compares two checkpoints.
    ///
    /// - Parameters:
    ///   - texts: what both are run on; `nil` for inputs made of the vocabulary's numbers.
    ///   - runs: whether the models are run at all.
    ///   - workers: how many workers run them.
    public init(
        _ first: Checkpoint,
        _ second: Checkpoint,
        texts: [String]? = nil,
        runs: Bool = true,
        workers: Int
    ) throws(Failure) {
        var mismatches: [String] = []
        var pairs: [(Checkpoint.StoredTensor, Checkpoint.StoredTensor)] = []
        let others = Dictionary(second.everyTensor.map { ($0.name, $0) }) { first, _ in first }
        let names = Set(first.everyTensor.map(\.name))
        for tensor in first.everyTensor {
            guard let other = others[tensor.name] else {
                if try Self.isNoPooler(tensor, first) { continue }
                mismatches.append("\(printable(tensor.name)) is only in the first")
                continue
            }
            guard tensor.shape == other.shape else {
                mismatches.append(
                    "\(printable(tensor.name)) is \(tensor.shape) in the first and \(other.shape) in the second"
                )
                continue
            }
            pairs.append((tensor, other))
        }
        for tensor in second.everyTensor where !names.contains(tensor.name) {
            if try Self.isNoPooler(tensor, second) { continue }
            mismatches.append("\(printable(tensor.name)) is only in the second")
        }
        try first.checkValues()
        try second.checkValues()
        tensors = try Self.compare(pairs, first, second)
        configurationDifferences = Self.differences(first.configuration, second.configuration)
        tokenizerDifferences = runs ? TokenizerComparison.differences(first, second) : []
        guard runs else {
            (outputs, notRunBecause) = (nil, "it was not asked for")
            self.mismatches = mismatches
            return
        }
        if !mismatches.isEmpty {
            (outputs, notRunBecause) = (nil, "they do not have the same tensors")
        } else if let reason = try Self.notRunnable(first) {
            (outputs, notRunBecause) = (nil, reason)
        } else if let reason = try Self.notRunnable(second) {
            (outputs, notRunBecause) = (nil, reason)
        } else if let broken = tensors.first(where: { !$0.isFinite }) {
            (outputs, notRunBecause) = (nil, "\(broken.name) holds values that are not finite")
        } else {
            outputs = try Self.run(first, second, texts, workers: workers)
            notRunBecause = nil
        }
        self.mismatches = mismatches
    }

    /// Whether a tensor is one of a pooler's that is all zeros, as a KerasHub encoder has where the model has no
    /// pooler at all.
    private static func isNoPooler(
        _ tensor: Checkpoint.StoredTensor,
        _ checkpoint: Checkpoint
    ) throws(Failure) -> Bool {
        guard tensor.name.hasPrefix("pooler.dense.") else { return false }
        return try checkpoint.store.tensor(tensor.entry).values.allSatisfy { $0 == 0 }
    }

    private static func compare(
        _ pairs: [(Checkpoint.StoredTensor, Checkpoint.StoredTensor)],
        _ first: Checkpoint,
        _ second: Checkpoint
    ) throws(Failure) -> [TensorDifference] {
        let state = Mutex<(found: [TensorDifference?], failure: Failure?)>(
            (Array(repeating: nil, count: pairs.count), nil)
        )
        DispatchQueue.concurrentPerform(iterations: pairs.count) { index in
            guard state.withLock({ $0.failure == nil }) else { return }
            let (one, other) = pairs[index]
            do throws(Failure) {
                let difference = TensorDifference(
                    one.name,
                    one.transform.canonical(try first.store.tensor(one.entry)),
                    other.transform.canonical(try second.store.tensor(other.entry))
                )
                state.withLock { $0.found[index] = difference }
            } catch {
                state.withLock { $0.failure = $0.failure ?? error }
            }
        }
        let (found, failure) = state.withLock { $0 }
        if let failure { throw failure }
        return found.compactMap(\.self)
    }

    private static func differences(
        _ first: BertConfiguration?,
        _ second: BertConfiguration?
    ) -> [String] {
        guard let first, let second else { return [] }
        var found: [String] = []
        func compare(_ what: String, _ one: some Equatable, _ other: some Equatable & Any) {
            guard "\(one)" != "\(other)" else { return }
            found.append("\(what): \(one) and \(other)")
        }
        compare("activation", first.activation.function, second.activation.function)
        compare("layer-norm epsilon", first.layerNormEpsilon, second.layerNormEpsilon)
        compare("attention heads", first.attentionHeadCount, second.attentionHeadCount)
        compare("pruned heads", first.prunedHeadsPhrase, second.prunedHeadsPhrase)
        compare("family", first.family.rawValue, second.family.rawValue)
        compare("head", first.head.phrase, second.head.phrase)
        if first.head.hasLabels, second.head.hasLabels, first.labels != second.labels {
            found.append(
                "labels: \(first.labels.map(printable).joined(separator: ", ")) and "
                    + second.labels.map(printable).joined(separator: ", ")
            )
        }
        return found
    }

    /// Why a model cannot be run; a configuration that is wrong is a failure.
    private static func notRunnable(_ checkpoint: Checkpoint) throws(Failure) -> String? {
        guard checkpoint.configuration == nil else { return nil }
        if checkpoint.configurationIsWrong, let problem = checkpoint.configurationProblem {
            throw problem
        }
        return checkpoint.configurationProblem?.description ?? "there is no configuration"
    }
}

extension BertConfiguration.Activation {
    /// The function, whatever its name in the file.
    var function: String {
        switch self {
        case .gelu: "exact GELU"
        case .geluTanh: "GELU's tanh form"
        case .relu: "ReLU"
        }
    }
}

extension ModelComparison.TensorDifference {
    init(_ name: String, _ one: Tensor, _ other: Tensor) {
        var (maximum, total) = (0.0, 0.0)
        var (dot, oneSquare, otherSquare) = (0.0, 0.0, 0.0)
        for (x, y) in zip(one.values, other.values) {
            let (x, y) = (Double(x), Double(y))
            let difference = abs(x - y)
            // Equal infinities differ by nothing, nor do two NaN; one NaN differs from everything.
            let isSame = x == y || x.isNaN && y.isNaN
            let size = isSame ? 0 : difference.isNaN ? .infinity : difference
            maximum = max(maximum, size)
            total += size
            dot += x * y
            oneSquare += x * x
            otherSquare += y * y
        }
        let length = (oneSquare * otherSquare).squareRoot()
        self.init(
            name: name,
            shape: one.shape.dimensions,
            isBitEqual: one.isBitEqual(to: other),
            maximum: maximum,
            mean: total / Double(max(1, one.values.count)),
            cosine: length > 0 && (dot / length).isFinite ? dot / length : nil,
            isFinite: one.firstNonFiniteIndex == nil && other.firstNonFiniteIndex == nil
        )
    }
}
