import Bert
import Checkpoints
import Export
import Foundation
import Kernels
import Tensors
import TestSupport
import Tokenization

/// What tests of exports have in common.
enum ExportBench {
    /// Where the folders of models with pruned heads are, as a layout's name.
    static let pruned = "../goldens/pruned_heads/"

    static func checkpoint(_ layout: String) throws -> Checkpoint {
        try Checkpoint.open(Fixtures.folder.appending(path: "layouts/\(layout)"))
    }

    static func withFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "bertkit-export-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try body(folder)
    }

    /// Sequences of several lengths; their pieces go through the vocabulary, padding left out.
    static func batch(_ configuration: BertConfiguration) -> PackedBatch {
        var ids: [Int32] = []
        var types: [Int32] = []
        var offsets = [0]
        var number = 3
        for length in [5, 1, 7, 4] {
            for place in 0..<min(length, configuration.longestSequence) {
                number = (number * 5 + 7) % configuration.vocabularySize
                ids.append(Int32(number == configuration.padTokenID ? number + 1 : number))
                types.append(configuration.tokenTypeCount > 1 && place > length / 2 ? 1 : 0)
            }
            offsets.append(ids.count)
        }
        return PackedBatch(ids: ids, tokenTypes: types, offsets: offsets)
    }

    /// What BertKit answers, by the names of ONNX's outputs; a row for each token or sequence.
    static func expected(_ checkpoint: Checkpoint, _ batch: PackedBatch) throws -> [String: Tensor]
    {
        let model = try checkpoint.loadModel()
        let inference = BertInference(model, pool: WorkerPool(workerCount: 1), packing: false)
        let found = inference.outputs(batch, [.head, .lastHiddenState])
        switch model.configuration.head {
        case .none: return ["last_hidden_state": found.lastHiddenState].compactMapValues(\.self)
        case .questionAnswering:
            return ["start_logits": found.startLogits, "end_logits": found.endLogits]
                .compactMapValues(\.self)
        case .maskedLanguageModel:
            return ["logits": found.predictionLogits].compactMapValues(\.self)
        default: return ["logits": found.logits].compactMapValues(\.self)
        }
    }

    /// What the written graph answers for the batch with padding, in rows as `expected` has them.
    static func answers(
        _ model: WrittenModel,
        _ batch: PackedBatch,
        padding: Int
    ) throws -> [String: [Double]] {
        let count = batch.sequenceCount
        let lengths = (0..<count).map { batch.offsets[$0 + 1] - batch.offsets[$0] }
        let longest = lengths.max() ?? 0
        func padded(_ values: [Int32], _ filling: Double) -> GraphRunner.Array {
            var numbers: [Double] = []
            for sequence in 0..<count {
                let range = batch.offsets[sequence]..<batch.offsets[sequence + 1]
                numbers += values[range].map(Double.init)
                numbers += [Double](repeating: filling, count: longest - range.count)
            }
            return GraphRunner.Array([count, longest], numbers)
        }
        let ones = [Int32](repeating: 1, count: batch.ids.count)
        var inputs = [
            "input_ids": padded(batch.ids, Double(padding)), "attention_mask": padded(ones, 0),
        ]
        if model.inputs.contains(where: { $0.name == "token_type_ids" }) {
            inputs["token_type_ids"] = padded(batch.tokenTypes, 0)
        }
        let values = try GraphRunner(model: model).run(inputs)
        var answers: [String: [Double]] = [:]
        for output in model.outputs {
            guard let value = values[output.name] else { continue }
            guard value.shape.count > 1, value.shape[1] == longest,
                output.dimensions.contains("sequence_length")
            else {
                answers[output.name] = value.numbers
                continue
            }
            let width = value.shape.dropFirst(2).reduce(1, *)
            answers[output.name] = (0..<count).flatMap { sequence in
                let start = sequence * longest * width
                return value.numbers[start..<start + lengths[sequence] * width]
            }
        }
        return answers
    }

    static func export(
        _ checkpoint: Checkpoint,
        _ options: ExportOptions,
        to url: URL
    ) throws -> Exporter.Report {
        try Exporter(ExportPlan(checkpoint, options)).write(to: url)
    }
}
