public import Bert
public import Diagnostics
public import Kernels
public import Tokenization

/// A model that the training loop changes in place, of whatever kind.
public protocol TrainableModel: AnyObject, Sendable {
    associatedtype Pass: ModelPass

    /// Where the parameters lie.
    var arena: ArenaLayout { get }
    /// The arena's first float.
    var arenaBase: UnsafeMutablePointer<Float> { get }

    /// Refuses a model that is not trained, or not in this precision.
    ///
    /// - Throws: `Failure` of kind `.usage`.
    func checkTrains(in precision: Precision) throws(Failure)

    /// - Precondition: `checkTrains` passed.
    func pass(pool: WorkerPool, precision: Precision) -> Pass

    /// The bytes of the weights that answering keeps in the products' own form beside the model.
    var packedByteCount: Int { get }
}

/// One batch through a model, forward and backward, with everything in between kept.
public protocol ModelPass: AnyObject {
    associatedtype Gradients: ModelGradients

    /// Of the last forward pass, `[B, C]`; nil of a model whose head is not computed there.
    var logits: Matrix? { get }
    /// Where an objective puts the gradient of `logits` before `backward`, all of it.
    var logitGradients: Matrix? { get }

    /// Memory for the gradients of all parameters.
    func gradients() -> Gradients

    /// Makes room for a batch as `forward` does, and computes nothing.
    ///
    /// - Returns: the bytes that a pass of such a batch takes beside this room and the gradients.
    func reserve(for batch: PackedBatch, outputs: IntermediateSelection) -> Int

    /// - Parameters:
    ///   - outputs: what is kept besides the logits.
    ///   - dropoutSeed: nil computes without dropout.
    ///   - step: together with the seed names the random masks.
    func forward(
        _ batch: PackedBatch,
        outputs: IntermediateSelection,
        dropoutSeed: UInt64?,
        step: UInt32
    ) -> [Float]

    /// The gradients of all parameters for the last forward pass.
    ///
    /// - Parameter accumulate: adds to what `gradients` holds instead of replacing it.
    func backward(into gradients: Gradients, accumulate: Bool)
}

/// The gradients of all of a model's parameters, laid out as its arena, but for the table of word
/// pieces, which has rows only for those that occurred.
public protocol ModelGradients: AnyObject {
    /// The first float of an arena; its table may be unused.
    var denseBase: UnsafeMutablePointer<Float> { get }
    /// The word pieces that have a gradient row.
    var wordIDs: [Int32] { get }
    /// The gradient of word piece `wordIDs[index]`.
    func wordRow(_ index: Int) -> UnsafeMutablePointer<Float>
}

extension TrainableModel {
    /// The weights as they stand, in memory of their own.
    public func weightCopy() -> FloatBuffer {
        let copy = FloatBuffer(count: arena.count)
        copyWeights(to: copy)
        return copy
    }

    public func copyWeights(to buffer: FloatBuffer) {
        precondition(buffer.count == arena.count, "weights of another model")
        buffer.base.update(from: arenaBase, count: buffer.count)
    }

    public func copyWeights(from buffer: FloatBuffer) {
        precondition(buffer.count == arena.count, "weights of another model")
        arenaBase.update(from: buffer.base, count: buffer.count)
    }
}

extension BertModel: TrainableModel {
    public var arena: ArenaLayout { layout.arena }
    public var arenaBase: UnsafeMutablePointer<Float> { weights.base }

    public func checkTrains(in precision: Precision) throws(Failure) {
        try configuration.checkCanTrain("training")
    }

    public func pass(pool: WorkerPool, precision: Precision) -> TrainingPass {
        TrainingPass(self, pool: pool, precision: precision)
    }

    public var packedByteCount: Int {
        MatrixBackend.current == .oneDNN ? 4 * layerMatrixCount : 0
    }
}

extension TrainingPass: ModelPass {
    public var logits: Matrix? { outputs.logits }
    public var logitGradients: Matrix? { outputGradients.logits }

    public func gradients() -> Bert.Gradients { Bert.Gradients(model.layout) }
}

extension Bert.Gradients: ModelGradients {
    public var denseBase: UnsafeMutablePointer<Float> { dense.base }
}
