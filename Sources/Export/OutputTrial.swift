import Bert
import Checkpoints
import Diagnostics
import Foundation
import Kernels
import Tensors
import Tokenization

/// Runs what was written on texts, and the model it was made of beside it.
struct OutputTrial {
    private let plan: ExportPlan
    private let pool = WorkerPool(workerCount: WorkerPool.availableProcessors)

    init(_ plan: ExportPlan) {
        self.plan = plan
    }

    /// What can answer a batch: values by output, a row for each token or sequence, end to end.
    private typealias Answers = (PackedBatch) -> [String: [Float]]

    /// Compares every output.
    ///
    /// - Parameters:
    ///   - url: the file with the model.
    ///   - store: its tensors.
    ///   - texts: sequences that the model can read.
    /// - Throws: `Failure` where the file cannot be read, and `inputOutput` where what is to be exact answers
    ///   otherwise than the model.
    func run(
        _ url: URL,
        _ store: ExportedStore,
        on texts: PackedBatch
    ) throws(Failure) -> [OutputComparison] {
        let written: Answers
        switch plan.options.format {
        case .onnx:
            let graph = try ONNXInterpreter(url)
            written = { self.answers(of: graph, $0) }
        case .gguf, .coreML:
            let model = try model(store)
            written = { self.answers(of: model, $0) }
        }
        let model = try inference(plan.source.loadModel())
        var comparisons = plan.outputs.map {
            OutputComparison(name: $0.name, dimensions: $0.dimensions(for: texts))
        }
        for batch in batches(texts) {
            let (found, expected) = (written(batch), answers(of: model, batch))
            for index in comparisons.indices {
                let name = comparisons[index].name
                guard let one = found[name], let other = expected[name] else {
                    preconditionFailure("no output \(name)")
                }
                comparisons[index].add(one, other, answers: ranges(batch, other.count))
            }
        }
        if plan.isExact, let bad = comparisons.first(where: { !$0.isGood(isExact: true) }) {
            throw Failure(
                .inputOutput,
                url.relativePath,
                "its \(bad.name) differ from the model's by up to \(bad.largestDifference)"
            )
        }
        return comparisons
    }

    // MARK: Batches

    /// The texts by length, so that there is little padding; of a masked language model, whose outputs are as
    /// wide as the vocabulary, few at a time.
    private func batches(_ texts: PackedBatch) -> [PackedBatch] {
        let order = (0..<texts.sequenceCount).sorted { texts.length(of: $0) < texts.length(of: $1) }
        let count = partLength * pool.workerCount
        return stride(from: 0, to: order.count, by: count).map { start in
            let part = order[start..<min(order.count, start + count)]
            return PackedBatch(
                part.map { sequence in
                    let rows = texts.rows(of: sequence)
                    return Encoding(
                        ids: Array(texts.ids[rows]),
                        tokenTypes: Array(texts.tokenTypes[rows]),
                        truncated: 0
                    )
                }
            )
        }
    }

    /// The sequences that a worker takes through a graph at once.
    private var partLength: Int { plan.configuration.head == .maskedLanguageModel ? 4 : 32 }

    /// The ranges of an output's values that are an answer each.
    private func ranges(_ batch: PackedBatch, _ count: Int) -> [Range<Int>] {
        switch plan.configuration.head {
        case .none: return []
        case .questionAnswering: return (0..<batch.sequenceCount).map { batch.rows(of: $0) }
        default:
            let isOfTokens = plan.configuration.head != .sequenceClassification
            let rows = isOfTokens ? batch.tokenCount : batch.sequenceCount
            let width = rows > 0 ? count / rows : 0
            guard width > 1 else { return [] }
            return (0..<rows).map { $0 * width..<($0 + 1) * width }
        }
    }

    // MARK: The engine

    private func inference(_ model: BertModel) -> BertInference {
        BertInference(model, pool: pool)
    }

    private func answers(of model: BertInference, _ batch: PackedBatch) -> [String: [Float]] {
        let names = plan.outputs.map(\.name)
        let head = plan.configuration.head
        let found = model.outputs(batch, head == .none ? .lastHiddenState : .head)
        let values: [Tensor?] =
            switch head {
            case .none: [found.lastHiddenState]
            case .questionAnswering: [found.startLogits, found.endLogits]
            case .maskedLanguageModel: [found.predictionLogits]
            default: [found.logits]
            }
        return Dictionary(
            uniqueKeysWithValues: zip(names, values).compactMap { name, tensor in
                tensor.map { (name, $0.values) }
            }
        )
    }

    /// The model that the written tensors are, as the runtime computes it.
    private func model(_ store: ExportedStore) throws(Failure) -> BertInference {
        var configuration = plan.configuration
        // llama.cpp has GELU in its tanh form alone.
        if plan.options.format == .gguf {
            configuration.activation = .geluTanh(name: "gelu_pytorch_tanh")
        }
        let planned = Dictionary(uniqueKeysWithValues: plan.tensors.map { ($0.parameter, $0) })
        let entries = Dictionary(uniqueKeysWithValues: store.entries.map { ($0.name, $0) })
        var shapes = BertParameters<Shape>(configuration)
        if planned["pooler.dense.weight"] == nil { shapes.pooler = nil }
        let parameters = try shapes.map { (name, shape) throws(Failure) in
            guard let tensor = planned[name], let entry = entries[tensor.name] else {
                throw Failure(
                    .inputOutput,
                    store.source,
                    "there is no tensor of \"\(printable(name))\""
                )
            }
            return try tensor.values(shape, entry, in: store)
        }
        return inference(BertModel(configuration, parameters: parameters))
    }

    // MARK: The graph

    /// Parts of the batch with padding, each on a worker.
    private func answers(of graph: ONNXInterpreter, _ batch: PackedBatch) -> [String: [Float]] {
        let starts = Array(stride(from: 0, to: batch.sequenceCount, by: partLength))
        var parts = [[String: [Float]]](repeating: [:], count: starts.count)
        parts.withUnsafeMutableBufferPointer { parts in
            // Safe: a task writes its own part.
            nonisolated(unsafe) let parts = parts
            pool.run(starts.count) { task, _ in
                let end = min(batch.sequenceCount, starts[task] + partLength)
                parts[task] = answers(of: graph, batch, starts[task]..<end)
            }
        }
        var joined: [String: [Float]] = [:]
        for part in parts {
            for (name, values) in part { joined[name, default: []] += values }
        }
        return joined
    }

    private func answers(
        of graph: ONNXInterpreter,
        _ batch: PackedBatch,
        _ sequences: Range<Int>
    ) -> [String: [Float]] {
        let lengths = sequences.map { batch.length(of: $0) }
        let longest = lengths.max() ?? 0
        func padded(_ values: [Int32], _ filling: Int) -> Tensor {
            var tensor = Tensor(repeating: Float(filling), shape: [lengths.count, longest])
            for (row, sequence) in sequences.enumerated() {
                for (column, index) in batch.rows(of: sequence).enumerated() {
                    tensor.values[row * longest + column] = Float(values[index])
                }
            }
            return tensor
        }
        let all = [
            "input_ids": padded(batch.ids, plan.configuration.padTokenID),
            "attention_mask": padded([Int32](repeating: 1, count: batch.ids.count), 0),
            "token_type_ids": padded(batch.tokenTypes, 0),
        ]
        let found = graph.run(all.filter { graph.inputs.contains($0.key) })
        return found.mapValues { tensor in
            guard plan.configuration.head != .sequenceClassification else { return tensor.values }
            let width = tensor.values.count / max(1, lengths.count * longest)
            return lengths.enumerated().flatMap { row, length in
                let start = row * longest * width
                return tensor.values[start..<start + length * width]
            }
        }
    }
}

extension PlannedTensor {
    /// The values as the file has them, as floats in canonical orientation.
    ///
    /// - Parameter shape: the parameter's.
    fileprivate func values(
        _ shape: Shape,
        _ entry: TensorEntry,
        in store: ExportedStore
    ) throws(Failure) -> Tensor {
        let stored = try store.bytes(entry)
        switch form {
        case .values(let type, let isTransposed):
            precondition(!isTransposed, "no format of plain tensors turns them")
            let values = [Float](unsafeUninitializedCapacity: shape.count) { floats, count in
                count = shape.count
                stored.withUnsafeBytes {
                    type.decode($0, into: UnsafeMutableBufferPointer(rebasing: floats[..<count]))
                }
            }
            return Tensor(shape: shape, values: values)
        case .blocks: return Tensor(shape: shape, values: Rounding.values(ofBlocks: stored))
        case .bytes: preconditionFailure("bytes are in graphs alone")
        }
    }
}
