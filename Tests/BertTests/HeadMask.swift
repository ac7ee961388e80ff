import Bert
import Tensors

/// Heads taken out of a model in two ways that compute the same: masked, so that nothing of them reaches the
/// hidden state, and pruned, so that they are not there.
struct HeadMask {
    let configuration: BertConfiguration
    let parameters: BertParameters<Tensor>
    /// By layer, the heads that are taken out.
    let heads: [Int: Set<Int>]

    private var size: Int { configuration.headSize }

    private func isOut(layer: Int, dimension: Int) -> Bool {
        heads[layer]?.contains(dimension / size) == true
    }

    /// The dimensions of the heads that stay.
    func kept(layer: Int) -> [Int] {
        (0..<configuration.hiddenSize).filter { !isOut(layer: layer, dimension: $0) }
    }

    /// The whole model, the heads' columns of the attention's output zero.
    ///
    /// - Parameter values: whether the heads' values are zero too, so that rounding a token's context does
    ///   not see them.
    func masked(values: Bool = false) -> BertModel {
        var result = parameters
        let hidden = configuration.hiddenSize
        for layer in result.encoder.layer.indices {
            for dimension in 0..<hidden where isOut(layer: layer, dimension: dimension) {
                for other in 0..<hidden {
                    result.encoder.layer[layer].attention.output.dense.weight
                        .values[other * hidden + dimension] = 0
                    guard values else { continue }
                    result.encoder.layer[layer].attention.selfAttention.value.weight
                        .values[dimension * hidden + other] = 0
                }
                guard values else { continue }
                result.encoder.layer[layer].attention.selfAttention.value.bias.values[dimension] = 0
            }
        }
        return BertModel(configuration, parameters: result)
    }

    var prunedConfiguration: BertConfiguration {
        var result = configuration
        result.prunedHeads = heads
        return result
    }

    func pruned() -> BertModel {
        BertModel(prunedConfiguration, parameters: parameters.map { cut($0, $1) })
    }

    /// What the pruned model has of a parameter of the whole one, or of its gradient.
    func cut(_ name: String, _ tensor: Tensor) -> Tensor {
        let parts = name.split(separator: ".")
        guard name.hasPrefix("encoder.layer."), let layer = Int(parts[2]) else { return tensor }
        let kept = kept(layer: layer)
        let width = configuration.hiddenSize
        if name.contains(".attention.self.") {
            let rowLength = tensor.shape.rank == 1 ? 1 : width
            var shape = tensor.shape
            shape.dimensions[0] = kept.count
            return Tensor(
                shape: shape,
                values: kept.flatMap { tensor.values[$0 * rowLength..<($0 + 1) * rowLength] }
            )
        }
        guard name.hasSuffix(".attention.output.dense.weight") else { return tensor }
        return Tensor(
            shape: [width, kept.count],
            values: (0..<width).flatMap { row in kept.map { tensor.values[row * width + $0] } }
        )
    }

    /// The blocks of the heads that stay, of a layer's `[N, n, n]` of sequences of these lengths.
    func cut(scores: [Float], layer: Int, lengths: [Int]) -> [Float] {
        var result: [Float] = []
        var start = 0
        for length in lengths {
            for head in 0..<configuration.attentionHeadCount {
                let end = start + length * length
                if heads[layer]?.contains(head) != true { result += scores[start..<end] }
                start = end
            }
        }
        return result
    }
}
