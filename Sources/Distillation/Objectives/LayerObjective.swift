public import Bert
public import Diagnostics
package import Kernels
public import Tokenization

/// A loss between intermediate outputs of a student and a teacher, computed shard by shard.
///
/// A value that knows layers and no parameters. What it gives is not weighted: its weight is in the
/// gradients alone (`ObjectiveShard.gradientWeight`).
public protocol LayerObjective: Sendable {
    /// Its term in logs and in the training log: `hidden_states`.
    var name: String { get }
    /// The layers that are compared, from 1; 0 is the embeddings.
    var pairs: [LayerPair] { get }
    /// What is read of the student.
    var student: IntermediateSelection { get }
    /// What is read of the teacher.
    var teacher: IntermediateSelection { get }
    /// Student hidden states that pass through a trained projection before they are compared.
    var projections: [ProjectionUse] { get }

    /// Refuses models that it cannot compare.
    ///
    /// - Throws: `Failure` of kind `.usage` that says what differs and what to do.
    func check(student: BertConfiguration, teacher: BertConfiguration) throws(Failure)

    /// The shard's part of the batch's loss; adds its gradient to the shard's.
    func evaluate(_ shard: ObjectiveShard) -> Double
}

extension LayerObjective {
    public var projections: [ProjectionUse] { [] }
}

/// An objective between hidden states.
public protocol HiddenStateObjective: LayerObjective {}

extension HiddenStateObjective {
    public var student: IntermediateSelection { .init(hiddenStates: Set(pairs.map(\.student))) }
    public var teacher: IntermediateSelection { .init(hiddenStates: Set(pairs.map(\.teacher))) }
}

/// An objective between layers' unnormalised attention scores.
public protocol AttentionObjective: LayerObjective {}

extension AttentionObjective {
    public var student: IntermediateSelection {
        .init(attentionScores: Set(pairs.map { $0.student - 1 }))
    }
    public var teacher: IntermediateSelection {
        .init(attentionScores: Set(pairs.map { $0.teacher - 1 }))
    }
}

/// A hidden state of the student that a projection takes to the teacher's width.
public struct ProjectionUse: Sendable, Hashable {
    /// Uses of one name share one projection.
    public var name: String
    public var hiddenState: Int
    public var hasBias: Bool

    public init(name: String, hiddenState: Int, hasBias: Bool) {
        (self.name, self.hiddenState, self.hasBias) = (name, hiddenState, hasBias)
    }
}

/// A projection at work on one hidden state of a batch.
package struct ActiveProjection: @unchecked Sendable {
    package let linear: Linear
    /// Receives what the projection gives and then the gradient of that, `[T, d_T]`.
    package let output: Matrix
    package let index: Int
    package let hiddenState: Int

    package init(linear: Linear, output: Matrix, index: Int, hiddenState: Int) {
        (self.linear, self.output) = (linear, output)
        (self.index, self.hiddenState) = (index, hiddenState)
    }
}

/// A shard of whole sequences of both models' outputs, and where a loss's gradient goes.
public struct ObjectiveShard: @unchecked Sendable {
    public let batch: PackedBatch
    public let shard: Shard
    public let student: IntermediateOutputs
    public let teacher: IntermediateOutputs
    /// Of the student; an objective adds.
    public let gradient: IntermediateOutputs
    /// What gradients are multiplied by: the objective's weight and the batch's share.
    public let gradientWeight: Double
    /// Σ n² over the batch's sequences.
    let pairCount: Int
    let projections: [ProjectionUse: ActiveProjection]
    private let reserve: (Int) -> UnsafeMutablePointer<Float>

    package init(
        batch: PackedBatch,
        shard: Shard,
        student: IntermediateOutputs,
        teacher: IntermediateOutputs,
        gradient: IntermediateOutputs,
        gradientWeight: Double,
        pairCount: Int,
        projections: [ProjectionUse: ActiveProjection],
        reserve: @escaping (Int) -> UnsafeMutablePointer<Float>
    ) {
        (self.batch, self.shard) = (batch, shard)
        (self.student, self.teacher, self.gradient) = (student, teacher, gradient)
        (self.gradientWeight, self.pairCount) = (gradientWeight, pairCount)
        (self.projections, self.reserve) = (projections, reserve)
    }

    /// Working memory of this worker, until its next call.
    public func scratch(_ count: Int) -> UnsafeMutablePointer<Float> { reserve(count) }

    /// Sequences that have one weight, with the weight of each of their tokens.
    func tokenRuns(_ reduction: Reduction) -> [(sequences: Range<Int>, weight: Double)] {
        switch reduction {
        case .tokenMean: return [(shard.sequences, 1 / Double(batch.tokenCount))]
        case .batchMean:
            let sequences = Double(batch.sequenceCount)
            return shard.sequences.map {
                ($0..<$0 + 1, 1 / (sequences * Double(batch.length(of: $0))))
            }
        }
    }

    /// Sequences that have one weight, with the weight of each pair of their tokens.
    func pairRuns(_ reduction: Reduction) -> [(sequences: Range<Int>, weight: Double)] {
        switch reduction {
        case .tokenMean: return [(shard.sequences, 1 / Double(pairCount))]
        case .batchMean:
            let sequences = Double(batch.sequenceCount)
            return shard.sequences.map {
                let length = Double(batch.length(of: $0))
                return ($0..<$0 + 1, 1 / (sequences * length * length))
            }
        }
    }

    func rows(of sequences: Range<Int>) -> Range<Int> {
        batch.offsets[sequences.lowerBound]..<batch.offsets[sequences.upperBound]
    }
}

extension IntermediateOutputs {
    func hiddenState(_ index: Int) -> Matrix {
        guard let matrix = hiddenStates[index] else { preconditionFailure("not selected") }
        return matrix
    }

    func scores(_ layer: Int) -> UnsafeMutablePointer<Float> {
        guard let scores = attentionScores[layer] else { preconditionFailure("not selected") }
        return scores
    }
}
