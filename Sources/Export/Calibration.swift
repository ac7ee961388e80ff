import Bert
import Checkpoints
import Diagnostics
import Foundation
import Kernels
import Tensors
import Tokenization

/// Measures what the encoder's products are given, so that their inputs can be rounded to bytes over a range
/// that is known before.
struct Calibration {
    /// By the canonical name of the layer.
    private(set) var ranges: [String: ByteRange] = [:]
    private var bounds: [String: (low: Float, high: Float)] = [:]
    private let model: BertModel

    /// Runs the model on every batch.
    ///
    /// - Precondition: ids are below the vocabulary's size, and lengths at most `longestSequence`.
    init(_ source: Checkpoint, _ batches: [PackedBatch]) throws(Failure) {
        model = try source.loadModel()
        let inference = BertInference(
            model,
            pool: WorkerPool(workerCount: WorkerPool.availableProcessors),
            packing: false
        )
        for batch in batches {
            let outputs = inference.outputs(batch, [.hiddenStates, .queryKeyValue])
            guard let states = outputs.hiddenStates, let queries = outputs.queries,
                let keys = outputs.keys, let values = outputs.values
            else { preconditionFailure("the outputs were selected") }
            for layer in queries.indices {
                let context = Self.context(
                    queries[layer],
                    keys[layer],
                    values[layer],
                    batch,
                    model.configuration
                )
                add(layer, states[layer], context)
            }
        }
        ranges = bounds.mapValues { ByteRange($0.low, $0.high) }
    }

    /// Notes the inputs of a layer's four products: the two that are given, `[T, H]`, and two that follow
    /// from them.
    private mutating func add(_ layer: Int, _ input: Tensor, _ context: Tensor) {
        let name = "encoder.layer.\(layer)"
        let slots = model.layout.slots.encoder.layer[layer]
        for part in ["query", "key", "value"] {
            note("\(name).attention.self.\(part)", input.values)
        }
        note("\(name).attention.output.dense", context.values)
        let rows = input.shape[0]
        let projected = linear(slots.attention.output.dense, context.values, rows)
        let middle = normalized(slots.attention.output.layerNorm, projected, input.values, rows)
        note("\(name).intermediate.dense", middle)
        let activation: Activation =
            switch model.configuration.activation {
            case .gelu: .gelu
            case .geluTanh: .geluTanh
            case .relu: .relu
            }
        note(
            "\(name).output.dense",
            linear(slots.intermediate.dense, middle, rows, activation)
        )
    }

    private mutating func note(_ layer: String, _ values: [Float]) {
        let known = bounds[layer] ?? (0, 0)
        let (low, high) = values.reduce(known) { (min($0.0, $1), max($0.1, $1)) }
        bounds[layer] = (low, high)
    }

    private func linear(
        _ slots: BertParameters<ParameterSlot>.Linear,
        _ input: [Float],
        _ rows: Int,
        _ activation: Activation? = nil
    ) -> [Float] {
        let layer = Linear(
            weight: model.weights.pointer(slots.weight),
            bias: model.weights.pointer(slots.bias),
            output: slots.weight.shape[0],
            input: slots.weight.shape[1]
        )
        var input = input
        var out = [Float](repeating: 0, count: rows * layer.output)
        input.withUnsafeMutableBufferPointer { input in
            out.withUnsafeMutableBufferPointer { out in
                layer.forward(
                    Matrix(input.baseAddress!, rows: rows, columns: layer.input),
                    into: Matrix(out.baseAddress!, rows: rows, columns: layer.output),
                    activation: activation
                )
            }
        }
        return out
    }

    private func normalized(
        _ slots: BertParameters<ParameterSlot>.LayerNorm,
        _ projected: [Float],
        _ residual: [Float],
        _ rows: Int
    ) -> [Float] {
        let width = slots.weight.shape[0]
        let norm = LayerNorm(
            weight: model.weights.pointer(slots.weight),
            bias: model.weights.pointer(slots.bias),
            size: width
        )
        var (projected, residual) = (projected, residual)
        var out = [Float](repeating: 0, count: projected.count)
        projected.withUnsafeMutableBufferPointer { projected in
            residual.withUnsafeMutableBufferPointer { residual in
                out.withUnsafeMutableBufferPointer { out in
                    norm.forward(
                        dense: Matrix(projected.baseAddress!, rows: rows, columns: width),
                        residual: Matrix(residual.baseAddress!, rows: rows, columns: width),
                        epsilon: Float(model.configuration.layerNormEpsilon),
                        saved: nil,
                        into: Matrix(out.baseAddress!, rows: rows, columns: width),
                        firstRow: 0,
                        dropout: .none
                    )
                }
            }
        }
        return out
    }

    /// softmax(Q Kᵀ / √D) V for every sequence and head, `[T, H]`.
    private static func context(
        _ queries: Tensor,
        _ keys: Tensor,
        _ values: Tensor,
        _ batch: PackedBatch,
        _ configuration: BertConfiguration
    ) -> Tensor {
        let (hidden, width) = (configuration.hiddenSize, configuration.headSize)
        let scale = 1 / Float(width).squareRoot()
        var result = Tensor(repeating: 0, shape: queries.shape)
        for sequence in 0..<batch.sequenceCount {
            let rows = batch.offsets[sequence]..<batch.offsets[sequence + 1]
            for first in stride(from: 0, to: hidden, by: width) {
                for row in rows {
                    let scores = rows.map { other in
                        (0..<width).reduce(Float(0)) { sum, column in
                            sum + queries.values[row * hidden + first + column]
                                * keys.values[other * hidden + first + column]
                        } * scale
                    }
                    let shares = softmax(scores)
                    for (other, share) in zip(rows, shares) {
                        for column in first..<first + width {
                            result.values[row * hidden + column] +=
                                share * values.values[other * hidden + column]
                        }
                    }
                }
            }
        }
        return result
    }

    private static func softmax(_ scores: [Float]) -> [Float] {
        let most = scores.max() ?? 0
        let powers = scores.map { exp($0 - most) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }
}
