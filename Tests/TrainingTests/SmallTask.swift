import Bert
import Datasets
import Diagnostics
import Kernels
import Randomness
import Tensors
import Tokenization
import Training

/// A model and data small enough to train in a test: the class of a text is the id of its second
/// piece, modulo three.
enum SmallTask {
    static let classCount = 3

    static func configuration(dropout: Double = 0.1) -> BertConfiguration {
        BertConfiguration(
            hiddenSize: 16,
            hiddenLayerCount: 2,
            attentionHeadCount: 2,
            intermediateSize: 32,
            vocabularySize: 130,
            maximumPositionCount: 40,
            tokenTypeCount: 2,
            layerNormEpsilon: 1e-12,
            activation: .gelu,
            hiddenDropoutProbability: dropout,
            attentionDropoutProbability: dropout,
            classifierDropout: nil,
            initializerRange: 0.1,
            padTokenID: 0,
            labels: ["0", "1", "2"],
            problemType: .classification
        )
    }

    static func model(dropout: Double = 0.1) -> BertModel {
        BertModel(configuration(dropout: dropout), seed: 2)
    }

    /// `count` texts of up to 30 bytes; a byte is a piece.
    static func data(_ count: Int) throws -> EncodedDataset {
        var random = Philox(seed: 5, purpose: .sampling)
        var text = "sentence\tlabel\n"
        for _ in 0..<count {
            let length = Int.random(in: 2...30, using: &random)
            let bytes = (0..<length).map { _ in UInt8.random(in: 97...122, using: &random) }
            text += "\(String(decoding: bytes, as: UTF8.self))\t\(bytes[1] % 3)\n"
        }
        let file = try TaskFile(bytes: Array(text.utf8), name: "small.tsv")
        let encodings = (0..<count).map { row in
            let ids = file.text(row).utf8.map { Int32($0) }
            return Encoding(ids: ids, tokenTypes: ids.map { _ in 0 }, truncated: 0)
        }
        return try EncodedDataset(
            file,
            kind: .classification(labels: ["0", "1", "2"])
        ) { (PackedBatch(encodings), 0) }
    }

    static func trainingConfiguration(
        epochs: Int = 2,
        batchSize: Int = 8,
        accumulation: Int = 1,
        clipNorm: Double? = 1,
        evaluateEvery: Int? = nil
    ) -> TrainingConfiguration {
        TrainingConfiguration(
            epochs: epochs,
            batchSize: batchSize,
            gradientAccumulation: accumulation,
            learningRate: 5e-3,
            warmupProportion: 0.1,
            optimizer: AdamW.Constants(weightDecay: 0.01, clipNorm: clipNorm),
            seed: 11,
            evaluateEvery: evaluateEvery
        )
    }

    static func bits(_ model: BertModel) -> [UInt32] {
        model.layout.entries.flatMap { model.weights.tensor($0.slot).values.map(\.bitPattern) }
    }
}

/// What a run reported.
final class Events {
    var steps: [TrainingEvent.StepReport] = []
    var evaluations: [TrainingEvent.EvaluationReport] = []

    func record(_ event: TrainingEvent) {
        switch event {
        case .step(let report): steps.append(report)
        case .evaluated(let report): evaluations.append(report)
        }
    }
}
