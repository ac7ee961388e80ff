public import Bert
import Foundation
public import Kernels

/// AdamW over all parameters of a model; biases and layer normalisations do not decay.
///
/// Word embedding rows that a batch does not contain cost nothing: their steps are made up, exactly,
/// when the row is next read. After `replayedSteps` steps without a gradient the first moment has
/// fallen to about a millionth of what it was, far under the weights' own rounding, and the
/// remaining steps are applied as one decay factor.
///
/// A class because its identity is the state of one run.
///
/// - Source: Loshchilov & Hutter 2019; `torch.optim.AdamW` (bias correction, ε outside the root).
public final class AdamW: @unchecked Sendable {
    public struct Constants: Sendable, Hashable {
        public var beta1: Double
        public var beta2: Double
        public var epsilon: Double
        public var weightDecay: Double
        /// The gradient's global norm is scaled down to this; nil leaves it.
        public var clipNorm: Double?

        public init(
            beta1: Double = 0.9,
            beta2: Double = 0.999,
            epsilon: Double = 1e-8,
            weightDecay: Double,
            clipNorm: Double?
        ) {
            (self.beta1, self.beta2, self.epsilon) = (beta1, beta2, epsilon)
            (self.weightDecay, self.clipNorm) = (weightDecay, clipNorm)
        }
    }

    private struct Segment {
        let range: Range<Int>
        let decays: Bool
    }

    public let constants: Constants
    /// Steps taken.
    public private(set) var stepCount = 0
    private let model: BertModel
    private let pool: WorkerPool
    private let first: ParameterBuffer
    private let second: ParameterBuffer
    private let segments: [Segment]
    /// The step up to which each word row is current.
    private var rowSteps: [Int32]
    private var everTouched: [Bool]
    /// What each past step does to a weight without a gradient.
    private var idleSteps: [AdamWStep] = []
    /// ln of the product of (1 − decay) over steps 1…t, at index t.
    private var logDecay: [Double] = [0]

    /// t with β₁ᵗ ≤ 10⁻⁶: 132 for 0.9.
    private let replayedSteps: Int
    private static let segmentLength = 1 << 15

    public init(_ model: BertModel, constants: Constants, pool: WorkerPool) {
        self.model = model
        precondition(constants.beta1 >= 0 && constants.beta1 < 1)
        precondition(constants.beta2 >= 0 && constants.beta2 < 1)
        self.constants = constants
        self.pool = pool
        replayedSteps = Int((log(1e-6) / log(max(constants.beta1, 0.01))).rounded(.up))
        first = ParameterBuffer(model.layout)
        second = ParameterBuffer(model.layout)
        let vocabulary = model.configuration.vocabularySize
        rowSteps = [Int32](repeating: 0, count: vocabulary)
        everTouched = [Bool](repeating: false, count: vocabulary)
        segments = model.layout.entries
            .filter { $0.slot.offset >= model.layout.denseStart }
            .flatMap { name, slot in
                let decays = !name.hasSuffix(".bias") && !name.hasSuffix("LayerNorm.weight")
                return stride(
                    from: slot.range.lowerBound,
                    to: slot.range.upperBound,
                    by: Self.segmentLength
                )
                .map {
                    let end = min($0 + Self.segmentLength, slot.range.upperBound)
                    return Segment(range: $0..<end, decays: decays)
                }
            }
    }

    private var hiddenSize: Int { model.configuration.hiddenSize }

    /// Brings the embedding rows of these word pieces up to date, before a forward pass reads them.
    public func prepare(_ ids: [Int32]) {
        bringUpToDate(Set(ids).map(Int.init).filter { rowSteps[$0] < stepCount })
    }

    /// Brings every parameter up to date, before the model is evaluated or saved.
    public func synchronize() {
        bringUpToDate(rowSteps.indices.filter { rowSteps[$0] < stepCount })
    }

    private func bringUpToDate(_ rows: [Int]) {
        let block = 64
        let count = (rows.count + block - 1) / block
        pool.run(count) { task, _ in
            for row in rows[task * block..<min((task + 1) * block, rows.count)] { catchUp(row) }
        }
        for row in rows { rowSteps[row] = Int32(stepCount) }
    }

    /// Applies to one row the steps that passed without a gradient for it.
    private func catchUp(_ row: Int) {
        let base = model.layout.slots.embeddings.wordEmbeddings.weight.offset + row * hiddenSize
        let weight = model.weights.base + base
        var step = Int(rowSteps[row])
        if everTouched[row] {
            let end = min(stepCount, step + replayedSteps)
            AdamWStep.applyIdle(
                idleSteps[step..<end],
                weight: weight,
                first: first.base + base,
                second: second.base + base,
                count: hiddenSize
            )
            let rest = Double(stepCount - end)
            if rest > 0 {
                let (beta1, beta2) = (constants.beta1, constants.beta2)
                Elementwise.scale(first.base + base, by: Float(pow(beta1, rest)), count: hiddenSize)
                Elementwise.scale(
                    second.base + base,
                    by: Float(pow(beta2, rest)),
                    count: hiddenSize
                )
            }
            step = end
        }
        if step < stepCount {
            let factor = exp(logDecay[stepCount] - logDecay[step])
            if factor != 1 { Elementwise.scale(weight, by: Float(factor), count: hiddenSize) }
        }
    }

    /// The global norm of the gradients, √Σg², summed in a fixed order.
    public func gradientNorm(_ gradients: Gradients) -> Double {
        let hidden = hiddenSize
        let wordBlocks = (gradients.wordIDs.count + 63) / 64
        var partial = [Double](repeating: 0, count: segments.count + wordBlocks)
        partial.withUnsafeMutableBufferPointer { partial in
            // Safe: every task writes its own element.
            nonisolated(unsafe) let partial = partial
            pool.run(partial.count) { task, _ in
                if task < segments.count {
                    let range = segments[task].range
                    partial[task] = Elementwise.sumOfSquares(
                        gradients.dense.base + range.lowerBound,
                        count: range.count
                    )
                } else {
                    let start = (task - segments.count) * 64
                    let end = min(start + 64, gradients.wordIDs.count)
                    partial[task] = Elementwise.sumOfSquares(
                        gradients.wordRow(start),
                        count: (end - start) * hidden
                    )
                }
            }
        }
        return partial.reduce(0, +).squareRoot()
    }

    /// The name of a parameter whose gradient is not finite, if there is one.
    public func nonFiniteGradient(_ gradients: Gradients) -> String? {
        for index in gradients.wordIDs.indices
        where !Elementwise.allFinite(gradients.wordRow(index), count: hiddenSize) {
            return "embeddings.word_embeddings.weight (row \(gradients.wordIDs[index]))"
        }
        for segment in segments
        where !Elementwise.allFinite(
            gradients.dense.base + segment.range.lowerBound,
            count: segment.range.count
        ) {
            return model.layout.name(at: segment.range.lowerBound)
        }
        return nil
    }

    /// Updates every weight.
    ///
    /// - Parameter norm: the gradients' global norm, as `gradientNorm` gives it; must be finite.
    public func step(_ gradients: Gradients, norm: Double, learningRate: Double) {
        precondition(norm.isFinite, "a step along a gradient that is not finite")
        stepCount += 1
        var scale = 1.0
        if let limit = self.constants.clipNorm { scale = min(1, limit / (norm + 1e-6)) }
        func constants(decay: Double) -> AdamWStep {
            AdamWStep(
                number: stepCount,
                learningRate: learningRate,
                beta1: self.constants.beta1,
                beta2: self.constants.beta2,
                epsilon: self.constants.epsilon,
                decay: decay,
                gradientScale: scale
            )
        }
        let decaying = constants(decay: self.constants.weightDecay)
        let plain = constants(decay: 0)
        idleSteps.append(decaying)
        logDecay.append(
            logDecay[stepCount - 1] + log1p(-learningRate * self.constants.weightDecay)
        )
        let hidden = hiddenSize
        let words = model.layout.slots.embeddings.wordEmbeddings.weight.offset
        let (weights, first, second) = (model.weights.base, first.base, second.base)
        let wordBlocks = (gradients.wordIDs.count + 63) / 64
        pool.run(segments.count + wordBlocks) { task, _ in
            if task < segments.count {
                let (range, decays) = (segments[task].range, segments[task].decays)
                (decays ? decaying : plain).apply(
                    weight: weights + range.lowerBound,
                    first: first + range.lowerBound,
                    second: second + range.lowerBound,
                    gradient: gradients.dense.base + range.lowerBound,
                    count: range.count
                )
                return
            }
            let start = (task - segments.count) * 64
            for index in start..<min(start + 64, gradients.wordIDs.count) {
                let base = words + Int(gradients.wordIDs[index]) * hidden
                decaying.apply(
                    weight: weights + base,
                    first: first + base,
                    second: second + base,
                    gradient: gradients.wordRow(index),
                    count: hidden
                )
            }
        }
        for id in gradients.wordIDs {
            rowSteps[Int(id)] = Int32(stepCount)
            everTouched[Int(id)] = true
        }
    }
}
