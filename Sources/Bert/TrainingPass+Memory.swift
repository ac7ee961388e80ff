import Kernels
import Tensors
public import Tokenization

extension TrainingPass {
    /// Makes room for a batch as `forward` does, and computes nothing.
    ///
    /// - Returns: the bytes that a pass of such a batch takes beside this room and the gradients: of
    ///   rounded weights, of the shards' sums, and of the gradients of the word pieces that occur.
    public func reserve(for batch: PackedBatch, outputs: IntermediateSelection) -> Int {
        let configuration = model.configuration
        let shards = Shard.cut(batch, target: Self.shardTokens, configuration)
        _ = PassState(
            batch: batch,
            configuration: configuration,
            indices: EmbeddingRows(batch, configuration),
            shards: shards,
            outputs: outputs,
            dropout: .none,
            workerCount: pool.workerCount,
            memory: &memory
        )
        let vectors = VectorGradients.count(configuration, shardCount: shards.count)
        let pieces = configuration.head.predictsPieces ? 0 : Set(batch.ids).count
        let floats = vectors + pieces * configuration.embeddingSize
        let rounded = precision == .bf16 ? model.layerMatrixCount : 0
        return MemoryLayout<Float>.stride * floats + 2 * rounded
    }
}

extension BertModel {
    /// The weights of the layers' matrices.
    public var layerMatrixCount: Int {
        layout.entries.filter { $0.name.hasPrefix("encoder.layer.") && $0.slot.shape.rank == 2 }
            .reduce(0) { $0 + $1.slot.shape.count }
    }
}
