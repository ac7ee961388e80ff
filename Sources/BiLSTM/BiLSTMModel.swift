import Bert
import Foundation
public import Kernels
import Randomness
public import Tensors

/// A one-layer bidirectional LSTM classifier of texts or pairs of texts.
///
/// A class because training changes its weights in place.
///
/// - Source: Tang et al. 2019.
public final class BiLSTMModel: @unchecked Sendable {
    public let layout: BiLSTMLayout
    public let weights: FloatBuffer
    let views: BiLSTMViews

    public var configuration: BiLSTMConfiguration { layout.configuration }

    /// A model whose weights are all zero, to be filled.
    public init(zeros configuration: BiLSTMConfiguration) {
        layout = BiLSTMLayout(configuration)
        weights = FloatBuffer(count: layout.arena.count)
        views = BiLSTMViews(layout, base: weights.base)
    }

    /// A model with new weights.
    ///
    /// Embeddings are uniform within ±0.25, as the published code has them; the LSTM's matrices within
    /// ±1/√U, as PyTorch's; the other matrices within ±√(6 / (inputs + outputs)) (Glorot and Bengio);
    /// biases are zero, but 1 for the forget gates, as Keras has them. Parameter number i (in model
    /// order) draws from stream i.
    public convenience init(_ configuration: BiLSTMConfiguration, seed: UInt64) {
        self.init(zeros: configuration)
        for (index, entry) in layout.entries.enumerated() {
            let target = weights.base + entry.slot.offset
            let shape = entry.slot.shape
            guard shape.rank == 2 else {
                guard entry.name.hasPrefix("lstm.") else { continue }
                (target + configuration.units).update(repeating: 1, count: configuration.units)
                continue
            }
            let bound: Double =
                if index == 0 {
                    0.25
                } else if entry.name.hasPrefix("lstm.") {
                    1 / Double(configuration.units).squareRoot()
                } else {
                    (6 / Double(shape[0] + shape[1])).squareRoot()
                }
            var random = Philox(seed: seed, purpose: .initialization, index: UInt32(index))
            for element in 0..<shape.count {
                target[element] = Float(bound * (2 * Double(random.nextUniform()) - 1))
            }
        }
    }

    /// The weights as tensors, in model order.
    public var parameters: [(name: String, tensor: Tensor)] {
        layout.entries.map { ($0.name, tensor($0.name)) }
    }

    /// - Precondition: there is a parameter of that name.
    public func tensor(_ name: String) -> Tensor {
        let slot = layout[name]
        let start = weights.base + slot.offset
        return Tensor(
            shape: slot.shape,
            values: Array(UnsafeBufferPointer(start: start, count: slot.shape.count))
        )
    }

    /// - Precondition: there is a parameter of that name and shape.
    public func set(_ name: String, to tensor: Tensor) {
        let slot = layout[name]
        precondition(tensor.shape == slot.shape, "\(tensor.shape) for \(slot.shape)")
        tensor.values.withUnsafeBufferPointer { values in
            guard let source = values.baseAddress else { return }
            (weights.base + slot.offset).update(from: source, count: values.count)
        }
    }

    /// The number of weights, with and without the embeddings.
    public var parameterCount: (total: Int, withoutEmbeddings: Int) {
        let total = layout.entries.reduce(0) { $0 + $1.slot.shape.count }
        return (total, total - layout.arena.table.slot.shape.count)
    }
}
