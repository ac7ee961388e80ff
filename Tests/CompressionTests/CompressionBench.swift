import Bert
import Checkpoints
import Compression
import Conversion
import Datasets
import Diagnostics
import Foundation
import Kernels
import Tensors
import Testing
import Tokenization

/// A folder with a small model whose answers differ, and labelled texts for it.
struct CompressionBench {
    let folder: URL
    let pool = WorkerPool(workerCount: 2)

    static let letters = "abcdefghijklmnopqrstuvwxyz".map(String.init)
    static let words = ["film", "plot", "dull", "fine", "play", "very", "##ing", "##ed", "##ly"]
    /// Every letter in both forms but `##q`, which longer pieces alone have.
    static let pieces: [String] =
        ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + letters
        + letters.filter { $0 != "q" }.map { "##" + $0 } + words + ["aqua", "##qu", "."]

    static let texts = [
        "film playing", "dull plot.", "very fine film", "played finely", "plot very dull",
        "fine.", "a film", "playing plot",
    ]

    static func with(
        _ head: Head = .sequenceClassification,
        layers: Int = 3,
        heads: Int = 2,
        padding: Int = 0,
        _ body: (CompressionBench) throws -> Void
    ) throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "bertkit-compression-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let bench = CompressionBench(folder: folder)
        let configuration = BertConfiguration(
            head: head,
            hiddenSize: 12,
            hiddenLayerCount: layers,
            attentionHeadCount: heads,
            intermediateSize: 20,
            vocabularySize: pieces.count + padding,
            maximumPositionCount: 24,
            tokenTypeCount: 2,
            layerNormEpsilon: 1e-12,
            activation: .gelu,
            hiddenDropoutProbability: 0.1,
            attentionDropoutProbability: 0.1,
            classifierDropout: nil,
            initializerRange: 0.5,
            padTokenID: 0,
            labels: ["no", "yes"],
            problemType: .classification
        )
        // Biases and normalisations as a trained model has them, no two alike.
        let parameters = BertModel(configuration, seed: 3).parameters.map { name, tensor in
            guard tensor.shape.rank == 1 else { return tensor }
            let base: Float = name.hasSuffix("LayerNorm.weight") ? 1 : 0
            return Tensor(
                shape: tensor.shape,
                values: tensor.values.indices.map { base + 0.1 * sin(Float($0 + name.utf8.count)) }
            )
        }
        try ModelFolder.write(
            configuration: configuration,
            parameters: parameters,
            tokenizerFiles: TokenizerFiles.files(
                vocabulary: Vocabulary(pieces: pieces),
                configuration: TokenizerConfiguration(lowercase: true, modelMaximumLength: 24),
                maximumPositions: 24
            ).map { ModelFolder.File(name: $0.name, bytes: $0.bytes) },
            records: { _ in [] },
            to: bench["model"],
            force: false
        )
        try body(bench)
    }

    subscript(_ name: String) -> URL { folder.appending(path: name) }

    /// The texts with labels, the row's number modulo two.
    static func data(_ texts: [String] = texts) throws -> LabelledFile {
        var text = "sentence\tlabel\n"
        for (row, sentence) in texts.enumerated() {
            text += "\(sentence)\t\(["yes", "no"][row % 2])\n"
        }
        return try LabelledFile(bytes: Array(text.utf8), name: "data.tsv", kind: .texts)
    }

    func options(
        _ format: ExportFormat = .huggingFaceHDF5,
        _ change: (inout CompressionOptions) -> Void
    ) -> CompressionOptions {
        var options = CompressionOptions(format: format)
        change(&options)
        return options
    }

    /// Compresses the model to a folder of this one.
    @discardableResult
    func compress(
        _ name: String = "small",
        _ format: ExportFormat = .huggingFaceHDF5,
        data: LabelledFile? = nil,
        _ change: (inout CompressionOptions) -> Void
    ) throws -> Compressor.Result {
        var compressor = try Compressor(
            Checkpoint.open(self["model"]),
            options(format, change),
            data: data,
            pool: pool
        )
        let result = try compressor.run()
        _ = try compressor.write(result, to: self[name])
        return result
    }

    func write(_ text: String, _ name: String) throws -> URL {
        try Data(text.utf8).write(to: self[name])
        return self[name]
    }

    /// The logits of texts, `[texts, C]`.
    func logits(_ name: String, _ texts: [String]) throws -> [Float] {
        let classifier = try TextClassifier(contentsOf: self[name])
        let batch = PackedBatch(
            texts.map { classifier.tokenizer.encode($0, maximumLength: 24) }
        )
        return BertInference(classifier.model, pool: pool).logits(batch)
    }

    func parameters(_ name: String) throws -> [String: Tensor] {
        let model = try Checkpoint.open(self[name]).loadModel()
        return Dictionary(
            uniqueKeysWithValues: model.parameters.leaves.map { ($0.name, $0.leaf) }
        )
    }

    var names: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()
    }
}

/// The failure of a body; nil when it succeeds.
func failure(_ body: () throws -> Void) -> Failure? {
    do {
        try body()
        return nil
    } catch {
        return error as? Failure
    }
}
