public import Bert
public import BiLSTM
public import Diagnostics
public import Kernels
public import Tokenization

extension BiLSTMModel: TrainableModel {
    public var arena: ArenaLayout { layout.arena }
    public var arenaBase: UnsafeMutablePointer<Float> { weights.base }

    public func checkTrains(in precision: Precision) throws(Failure) {
        guard precision != .f32 else { return }
        throw Failure(
            .usage,
            "--precision",
            "a BiLSTM is trained in f32, not in \(precision.rawValue)",
            remedy: "Leave it out"
        )
    }

    public func pass(pool: WorkerPool, precision: Precision) -> BiLSTMPass {
        precondition(precision == .f32, "a BiLSTM is trained in single precision")
        return BiLSTMPass(self, pool: pool)
    }

    public var packedByteCount: Int {
        MatrixBackend.current == .oneDNN ? 4 * parameterCount.withoutEmbeddings : 0
    }
}

extension BiLSTMPass: ModelPass {
    public func gradients() -> BiLSTMGradients { BiLSTMGradients(model.layout) }

    public func reserve(for batch: PackedBatch, outputs: IntermediateSelection) -> Int {
        reserve(for: batch)
        return MemoryLayout<Float>.stride * Set(batch.ids).count * model.arena.width
    }

    public func forward(
        _ batch: PackedBatch,
        outputs: IntermediateSelection,
        dropoutSeed: UInt64?,
        step: UInt32
    ) -> [Float] {
        precondition(outputs == .none, "layers of a model that has none")
        return forward(batch, dropoutSeed: dropoutSeed, step: step)
    }
}

extension BiLSTMGradients: ModelGradients {}
