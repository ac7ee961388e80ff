public import Bert
public import Datasets
import Dispatch
public import Kernels
import Tokenization

/// Runs models over data, for their answers and their speed.
public enum ModelRunner {
    /// A model's answers to all examples, with what it costs.
    ///
    /// - Parameters:
    ///   - name: how the report calls the model.
    ///   - bytesOnDisk: the size of its weights file.
    ///   - rounds: how often the data is run; the fastest round is reported.
    public static func measure(
        _ model: BertModel,
        name: String,
        bytesOnDisk: Int,
        on data: EncodedDataset,
        pool: WorkerPool,
        rounds: Int = 1
    ) -> ModelMeasurement {
        let inference = BertInference(model, pool: pool)
        let batch = PackedBatch(ids: data.ids, tokenTypes: data.tokenTypes, offsets: data.offsets)
        // The first sequences compile the products' shapes and fetch the weights.
        _ = inference.logits(data.batch(0..<min(32, data.count)))
        var logits: [Float] = []
        var seconds = Double.infinity
        for _ in 0..<max(1, rounds) {
            let start = DispatchTime.now().uptimeNanoseconds
            logits = inference.logits(batch)
            let end = DispatchTime.now().uptimeNanoseconds
            seconds = min(seconds, Double(end - start) * 1e-9)
        }
        let configuration = model.configuration
        let count = model.parameterCount
        return ModelMeasurement(
            name: name,
            logits: logits,
            parameterCount: count.total,
            parameterCountWithoutEmbeddings: count.withoutEmbeddings,
            bytesOnDisk: bytesOnDisk,
            flopsPerToken: EncoderCost.operationsPerToken(
                layerCount: configuration.hiddenLayerCount,
                hiddenSize: configuration.hiddenSize,
                intermediateSize: configuration.intermediateSize,
                meanLength: Double(data.tokenCount) / Double(max(1, data.count))
            ),
            seconds: seconds,
            tokenCount: data.tokenCount,
            exampleCount: data.count
        )
    }

    /// A model's answers alone, `[examples, C]` row-major.
    public static func logits(
        _ model: BertModel,
        on data: EncodedDataset,
        pool: WorkerPool
    ) -> [Float] {
        BertInference(model, pool: pool).logits(
            PackedBatch(ids: data.ids, tokenTypes: data.tokenTypes, offsets: data.offsets)
        )
    }
}

extension BertConfiguration {
    /// What the head's outputs mean, as the data's labels are read.
    public var taskKind: TaskKind {
        switch problemType {
        case .classification: .classification(labels: labels)
        case .regression: .regression
        }
    }
}
