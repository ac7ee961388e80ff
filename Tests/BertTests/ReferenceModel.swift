import Bert
import Foundation
import Randomness
import Tensors
import Tokenization

/// The network by its definition, in double precision, one sequence after the other, with the
/// dropout masks that `docs/numerics.md` names.
struct ReferenceModel {
    let configuration: BertConfiguration
    var weights: [String: [Double]]
    let batch: PackedBatch
    /// Whether the last layer has queries for first tokens only, which changes its masks' places.
    let firstTokensOnly: Bool
    private let masks: [Int: [Double]]

    init(
        _ golden: GoldenCase,
        firstTokensOnly: Bool,
        seed: UInt64,
        step: UInt32
    ) {
        configuration = golden.configuration
        batch = golden.batch
        self.firstTokensOnly = firstTokensOnly
        weights = Dictionary(
            uniqueKeysWithValues: golden.parameters.leaves.map {
                ($0.name, $0.leaf.values.map(Double.init))
            }
        )
        let (tokens, hidden) = (golden.batch.tokenCount, golden.configuration.hiddenSize)
        let scores = (0..<golden.batch.sequenceCount).reduce(0) {
            let length = golden.batch.length(of: $1)
            return $0 + golden.configuration.attentionHeadCount * length * length
        }
        func mask(_ site: Int, _ probability: Double, _ count: Int) -> [Double] {
            Self.mask(seed: seed, step: step, site: UInt32(site), Float(probability), count)
        }
        let (inner, attention) = (
            golden.configuration.hiddenDropoutProbability,
            golden.configuration.attentionDropoutProbability
        )
        let family = golden.configuration.family
        let classifier = golden.configuration.classifierDropout ?? inner
        var masks = [
            0: mask(0, inner, tokens * hidden),
            1: mask(1, classifier, tokens * hidden),
            // RoBERTa's and ELECTRA's classes also drop what their pooler reads.
            2: mask(
                2,
                family == .roberta || family == .electra ? classifier : 0,
                tokens * hidden
            ),
        ]
        for layer in 0..<golden.configuration.hiddenLayerCount {
            masks[4 * layer + 4] = mask(4 * layer + 4, attention, scores)
            // DistilBERT does not drop behind the attention's projection.
            masks[4 * layer + 5] = mask(
                4 * layer + 5,
                family == .distilbert ? 0 : inner,
                tokens * hidden
            )
            masks[4 * layer + 6] = mask(4 * layer + 6, inner, tokens * hidden)
        }
        self.masks = masks
    }

    private static func mask(
        seed: UInt64,
        step: UInt32,
        site: UInt32,
        _ probability: Float,
        _ count: Int
    ) -> [Double] {
        let key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        let keep = Double(1 / (1 - probability))
        return stride(from: 0, to: count, by: 4).flatMap { element in
            let words = Philox.block(
                counter: (UInt32(element / 4), 0, step, site << 8 | 3),
                key: key
            )
            return [words.0, words.1, words.2, words.3].map {
                Double($0) < (Double(probability) * 0x1p32).rounded(.down) ? 0 : keep
            }
        }
    }

    /// `[B, C]`
    func logits() -> [Double] { (0..<batch.sequenceCount).flatMap(logits(sequence:)) }

    private func logits(sequence: Int) -> [Double] {
        let rows = batch.rows(of: sequence)
        let firstPosition = configuration.family == .roberta ? configuration.padTokenID + 1 : 0
        var states = rows.map {
            embedding(row: $0, position: firstPosition + $0 - rows.lowerBound)
        }
        for layer in 0..<configuration.hiddenLayerCount {
            let firstOnly = firstTokensOnly && layer == configuration.hiddenLayerCount - 1
            let queries = firstOnly ? 1 : states.count
            let prefix = "encoder.layer.\(layer)."
            let context = attention(layer, states, queries: queries, sequence: sequence)
            let firstRow = firstOnly ? sequence : rows.lowerBound
            states = (0..<queries).map { query in
                let row = firstRow + query
                let attended = norm(
                    "\(prefix)attention.output.LayerNorm",
                    sum(
                        dropped(
                            linear("\(prefix)attention.output.dense", context[query]),
                            site: 4 * layer + 5,
                            row: row
                        ),
                        states[query]
                    )
                )
                let inner = linear("\(prefix)intermediate.dense", attended).map(activation)
                return norm(
                    "\(prefix)output.LayerNorm",
                    sum(
                        dropped(
                            linear("\(prefix)output.dense", inner),
                            site: 4 * layer + 6,
                            row: row
                        ),
                        attended
                    )
                )
            }
        }
        let pooled = linear("pooler.dense", dropped(states[0], site: 2, row: sequence)).map { x in
            switch configuration.family {
            case .bert, .roberta: tanh(x)
            case .distilbert: max(0, x)
            case .electra: 0.5 * x * erfc(-x / 2.0.squareRoot())
            }
        }
        return linear("classifier", dropped(pooled, site: 1, row: sequence))
    }

    private func embedding(row: Int, position: Int) -> [Double] {
        func table(_ name: String, _ index: Int) -> ArraySlice<Double> {
            let size = configuration.embeddingSize
            return self["embeddings.\(name).weight"][index * size..<(index + 1) * size]
        }
        let word = table("word_embeddings", Int(batch.ids[row]))
        let place = table("position_embeddings", position)
        var total = zip(word, place).map { $0 + $1 }
        if configuration.tokenTypeCount > 0 {
            let type = configuration.tokenTypeCount > 1 ? Int(batch.tokenTypes[row]) : 0
            total = zip(total, table("token_type_embeddings", type)).map { $0 + $1 }
        }
        let embedded = dropped(norm("embeddings.LayerNorm", total), site: 0, row: row)
        return weights["embeddings_project.weight"] == nil
            ? embedded : linear("embeddings_project", embedded)
    }

    private func attention(
        _ layer: Int,
        _ states: [[Double]],
        queries: Int,
        sequence: Int
    ) -> [[Double]] {
        let prefix = "encoder.layer.\(layer).attention.self."
        let q = states[..<queries].map { linear("\(prefix)query", $0) }
        let k = states.map { linear("\(prefix)key", $0) }
        let v = states.map { linear("\(prefix)value", $0) }
        let (heads, size) = (configuration.headCount(ofLayer: layer), configuration.headSize)
        var element = (0..<sequence).reduce(0) {
            let length = batch.length(of: $1)
            return $0 + heads * length * (queries == 1 && firstTokensOnly ? 1 : length)
        }
        var context = q
        for head in 0..<heads {
            let columns = head * size..<(head + 1) * size
            for query in 0..<queries {
                let scores = k.map { key in
                    columns.reduce(0) { $0 + q[query][$1] * key[$1] } / Double(size).squareRoot()
                }
                let highest = scores.max() ?? 0
                let total = scores.reduce(0) { $0 + exp($1 - highest) }
                let weights = scores.enumerated().map {
                    exp($1 - highest) / total * mask(4 * layer + 4, element + $0)
                }
                element += scores.count
                for column in columns {
                    context[query][column] = zip(weights, v).reduce(0) { $0 + $1.0 * $1.1[column] }
                }
            }
        }
        return context
    }

    private subscript(name: String) -> [Double] { weights[name] ?? [] }

    private func mask(_ site: Int, _ element: Int) -> Double { masks[site]?[element] ?? .nan }

    private func dropped(_ values: [Double], site: Int, row: Int) -> [Double] {
        values.enumerated().map { $1 * mask(site, row * values.count + $0) }
    }

    private func sum(_ a: [Double], _ b: [Double]) -> [Double] { zip(a, b).map { $0 + $1 } }

    private func linear(_ name: String, _ x: [Double]) -> [Double] {
        let weight = self["\(name).weight"]
        return self["\(name).bias"].enumerated().map { output, bias in
            x.indices.reduce(bias) { $0 + x[$1] * weight[output * x.count + $1] }
        }
    }

    private func norm(_ name: String, _ x: [Double]) -> [Double] {
        let mean = x.reduce(0, +) / Double(x.count)
        let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)
        let deviation = (variance + configuration.layerNormEpsilon).squareRoot()
        return zip(x, zip(self["\(name).weight"], self["\(name).bias"])).map {
            ($0 - mean) / deviation * $1.0 + $1.1
        }
    }

    private func activation(_ x: Double) -> Double {
        switch configuration.activation {
        case .gelu: 0.5 * x * erfc(-x / 2.0.squareRoot())
        case .geluTanh:
            0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
        case .relu: max(0, x)
        }
    }
}
