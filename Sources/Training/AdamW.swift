import Bert
import Foundation
public import Kernels

/// AdamW over all parameters of a model, and those trained beside it; biases and layer normalisations do not decay.
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

    /// A stretch of dense parameters in the model's memory, or in that of the parameters beside it.
    private struct Segment {
        let weight: UnsafeMutablePointer<Float>
        let first: UnsafeMutablePointer<Float>
        let second: UnsafeMutablePointer<Float>
        /// Nil for the model's, whose gradients are given with each step.
        let gradient: UnsafeMutablePointer<Float>?
        let range: Range<Int>
        let decays: Bool

        func gradient(_ gradients: any ModelGradients) -> UnsafeMutablePointer<Float> {
            gradient ?? gradients.denseBase + range.lowerBound
        }
    }

    public let constants: Constants
    /// Steps taken.
    public internal(set) var stepCount = 0
    /// Keeps the weights' memory.
    private let model: any TrainableModel
    let arena: ArenaLayout
    let weights: UnsafeMutablePointer<Float>
    let pool: WorkerPool
    let first: FloatBuffer
    let second: FloatBuffer
    let auxiliary: AuxiliaryParameters?
    private let segments: [Segment]
    /// The step up to which each word row is current.
    let rowSteps: UnsafeMutableBufferPointer<Int32>
    /// 1 for a word row that has had a gradient, else 0.
    let everTouched: UnsafeMutableBufferPointer<UInt8>
    /// What each past step does to a weight without a gradient.
    var idleSteps: [AdamWStep] = []
    /// ln of the product of (1 − decay) over steps 1…t, at index t.
    var logDecay: [Double] = [0]

    /// t with β₁ᵗ ≤ 10⁻⁶: 132 for 0.9.
    let replayedSteps: Int
    private static let segmentLength = 1 << 15

    /// - Parameter auxiliary: parameters that are updated with the model's, their gradients lying beside
    ///   them.
    public init(
        _ model: any TrainableModel,
        auxiliary: AuxiliaryParameters? = nil,
        constants: Constants,
        pool: WorkerPool
    ) {
        self.model = model
        arena = model.arena
        weights = model.arenaBase
        self.auxiliary = auxiliary
        precondition(constants.beta1 >= 0 && constants.beta1 < 1)
        precondition(constants.beta2 >= 0 && constants.beta2 < 1)
        self.constants = constants
        self.pool = pool
        replayedSteps = Int((log(1e-6) / log(max(constants.beta1, 0.01))).rounded(.up))
        first = FloatBuffer(count: arena.count)
        second = FloatBuffer(count: arena.count)
        rowSteps = .allocate(capacity: arena.vocabularySize)
        rowSteps.initialize(repeating: 0)
        everTouched = .allocate(capacity: arena.vocabularySize)
        everTouched.initialize(repeating: 0)
        let (weights, first, second) = (weights, first.base, second.base)
        let dense = arena.dense.flatMap { entry in
            Self.cut(entry.slot.range).map { range in
                Segment(
                    weight: weights + range.lowerBound,
                    first: first + range.lowerBound,
                    second: second + range.lowerBound,
                    gradient: nil,
                    range: range,
                    decays: entry.decays
                )
            }
        }
        let beside = (auxiliary?.segments ?? []).flatMap { range, decays in
            Self.cut(range).compactMap { range in
                auxiliary.map { owner in
                    Segment(
                        weight: owner.weights.base + range.lowerBound,
                        first: owner.first.base + range.lowerBound,
                        second: owner.second.base + range.lowerBound,
                        gradient: owner.gradients.base + range.lowerBound,
                        range: range,
                        decays: decays
                    )
                }
            }
        }
        segments = dense + beside
    }

    deinit {
        rowSteps.deallocate()
        everTouched.deallocate()
    }

    private static func cut(_ range: Range<Int>) -> [Range<Int>] {
        stride(from: range.lowerBound, to: range.upperBound, by: segmentLength).map {
            $0..<min($0 + segmentLength, range.upperBound)
        }
    }

    /// Of a row of the table of word pieces.
    var hiddenSize: Int { arena.width }

    /// The global norm of the gradients, √Σg², summed in a fixed order.
    public func gradientNorm(_ gradients: any ModelGradients) -> Double {
        let hidden = hiddenSize
        let wordBlocks = (gradients.wordIDs.count + 63) / 64
        var partial = [Double](repeating: 0, count: segments.count + wordBlocks)
        partial.withUnsafeMutableBufferPointer { partial in
            // Safe: every task writes its own element.
            nonisolated(unsafe) let partial = partial
            pool.run(partial.count) { task, worker in
                let start: UnsafeMutablePointer<Float>
                let count: Int
                if task < segments.count {
                    let segment = segments[task]
                    (start, count) = (segment.gradient(gradients), segment.range.count)
                } else {
                    let first = (task - segments.count) * 64
                    let rows = min(64, gradients.wordIDs.count - first)
                    (start, count) = (gradients.wordRow(first), rows * hidden)
                }
                partial[task] = Elementwise.sumOfSquares(start, count: count)
                pool.recorder(worker)?.lap(.gradientNorm, floats: count)
            }
        }
        return partial.reduce(0, +).squareRoot()
    }

    /// The name of a parameter whose gradient is not finite, if there is one.
    public func nonFiniteGradient(_ gradients: any ModelGradients) -> String? {
        for index in gradients.wordIDs.indices
        where !Elementwise.allFinite(gradients.wordRow(index), count: hiddenSize) {
            return "\(arena.table.name) (row \(gradients.wordIDs[index]))"
        }
        for segment in segments
        where !Elementwise.allFinite(
            segment.gradient(gradients),
            count: segment.range.count
        ) {
            return segment.gradient == nil
                ? arena.name(at: segment.range.lowerBound)
                : auxiliary?.name(at: segment.range.lowerBound)
        }
        return nil
    }

    /// Updates every weight.
    ///
    /// - Parameter norm: the gradients' global norm, as `gradientNorm` gives it; must be finite.
    public func step(_ gradients: any ModelGradients, norm: Double, learningRate: Double) {
        precondition(norm.isFinite, "a step along a gradient that is not finite")
        stepCount += 1
        var scale = 1.0
        if let limit = self.constants.clipNorm { scale = min(1, limit / (norm + 1e-6)) }
        func constants(decay: Double) -> AdamWStep {
            step(stepCount, learningRate: learningRate, decay: decay, gradientScale: scale)
        }
        let decaying = constants(decay: self.constants.weightDecay)
        let plain = constants(decay: 0)
        noteIdleStep(learningRate: learningRate)
        let hidden = hiddenSize
        let words = arena.table.slot.offset
        let (weights, first, second) = (weights, first.base, second.base)
        let wordBlocks = (gradients.wordIDs.count + 63) / 64
        pool.run(segments.count + wordBlocks) { task, worker in
            if task < segments.count {
                let segment = segments[task]
                (segment.decays ? decaying : plain).apply(
                    weight: segment.weight,
                    first: segment.first,
                    second: segment.second,
                    gradient: segment.gradient(gradients),
                    count: segment.range.count
                )
                pool.recorder(worker)?.lap(.adamW, floats: 7 * segment.range.count)
                return
            }
            let start = (task - segments.count) * 64
            let end = min(start + 64, gradients.wordIDs.count)
            for index in start..<end {
                let base = words + Int(gradients.wordIDs[index]) * hidden
                decaying.apply(
                    weight: weights + base,
                    first: first + base,
                    second: second + base,
                    gradient: gradients.wordRow(index),
                    count: hidden
                )
            }
            pool.recorder(worker)?.lap(.adamWWords, floats: 7 * (end - start) * hidden)
        }
        for id in gradients.wordIDs {
            rowSteps[Int(id)] = Int32(stepCount)
            everTouched[Int(id)] = 1
        }
    }

    private func step(
        _ number: Int,
        learningRate: Double,
        decay: Double,
        gradientScale: Double
    ) -> AdamWStep {
        AdamWStep(
            number: number,
            learningRate: learningRate,
            beta1: constants.beta1,
            beta2: constants.beta2,
            epsilon: constants.epsilon,
            decay: decay,
            gradientScale: gradientScale
        )
    }

    /// Records the next step as rows without a gradient make it up later.
    func noteIdleStep(learningRate: Double) {
        let number = idleSteps.count + 1
        idleSteps.append(
            step(
                number,
                learningRate: learningRate,
                decay: constants.weightDecay,
                gradientScale: 1
            )
        )
        logDecay.append(logDecay[number - 1] + log1p(-learningRate * constants.weightDecay))
    }
}
