import Foundation

/// softmax(Q Kᵀ / √D) V of one sequence by the definition, for its first `queries` tokens, with a
/// given mask on the probabilities.
struct ReferenceAttention {
    let queries: Int
    let length: Int
    let heads: Int
    let headSize: Int
    /// What each probability is multiplied with, [heads, queries, length].
    let mask: [Double]

    private var width: Int { heads * headSize }

    struct Output {
        var context: [Double]  // [queries, heads · headSize]
        var scores: [Double]  // [heads, queries, length]
        var logSum: [Double]  // [heads, queries]
        var probabilities: [Double]  // [heads, queries, length]
    }

    /// - Parameters:
    ///   - q: [queries, heads · headSize]
    ///   - k, v: [length, heads · headSize]
    func forward(q: [Double], k: [Double], v: [Double]) -> Output {
        var out = Output(
            context: [Double](repeating: 0, count: queries * width),
            scores: [],
            logSum: [],
            probabilities: []
        )
        for head in 0..<heads {
            for query in 0..<queries {
                let scores = (0..<length).map { key in
                    (0..<headSize).reduce(0.0) {
                        let column = head * headSize + $1
                        return $0 + q[query * width + column] * k[key * width + column]
                    } / Double(headSize).squareRoot()
                }
                let highest = scores.max() ?? 0
                let logSum = highest + log(scores.reduce(0) { $0 + exp($1 - highest) })
                for key in 0..<length {
                    let probability = exp(scores[key] - logSum)
                    let weight = probability * mask[out.probabilities.count]
                    out.probabilities.append(probability)
                    for column in head * headSize..<(head + 1) * headSize {
                        out.context[query * width + column] += weight * v[key * width + column]
                    }
                }
                out.scores += scores
                out.logSum.append(logSum)
            }
        }
        return out
    }

    /// - Parameters:
    ///   - dContext: [queries, heads · headSize]
    ///   - dScores: what else adds to the scores' gradient, [heads, queries, length]
    func backward(
        q: [Double],
        k: [Double],
        v: [Double],
        dContext: [Double],
        dScores: [Double]
    ) -> (q: [Double], k: [Double], v: [Double]) {
        let probabilities = forward(q: q, k: k, v: v).probabilities
        var dQ = [Double](repeating: 0, count: q.count)
        var dK = [Double](repeating: 0, count: k.count)
        var dV = [Double](repeating: 0, count: v.count)
        for head in 0..<heads {
            let columns = head * headSize..<(head + 1) * headSize
            for query in 0..<queries {
                let row = (head * queries + query) * length
                let dProbabilities = (0..<length).map { key in
                    mask[row + key]
                        * columns.reduce(0.0) {
                            $0 + dContext[query * width + $1] * v[key * width + $1]
                        }
                }
                let average = (0..<length).reduce(0.0) {
                    $0 + probabilities[row + $1] * dProbabilities[$1]
                }
                for key in 0..<length {
                    let p = probabilities[row + key]
                    let dScore = p * (dProbabilities[key] - average) + dScores[row + key]
                    let scaled = dScore / Double(headSize).squareRoot()
                    for column in columns {
                        dQ[query * width + column] += scaled * k[key * width + column]
                        dK[key * width + column] += scaled * q[query * width + column]
                        dV[key * width + column] +=
                            p * mask[row + key] * dContext[query * width + column]
                    }
                }
            }
        }
        return (dQ, dK, dV)
    }
}
