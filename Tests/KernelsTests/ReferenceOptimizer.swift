import Foundation

/// AdamW by the definition (Loshchilov & Hutter 2019, algorithm 2, with a constant schedule factor).
struct ReferenceAdamW {
    var weight: [Double]
    var first: [Double]
    var second: [Double]
    let beta1: Double
    let beta2: Double
    let epsilon: Double

    mutating func step(
        _ number: Int,
        gradient: [Double],
        learningRate: Double,
        decay: Double
    ) {
        for index in weight.indices {
            let g = gradient[index]
            first[index] = beta1 * first[index] + (1 - beta1) * g
            second[index] = beta2 * second[index] + (1 - beta2) * g * g
            let mean = first[index] / (1 - pow(beta1, Double(number)))
            let variance = second[index] / (1 - pow(beta2, Double(number)))
            weight[index] -= learningRate * decay * weight[index]
            weight[index] -= learningRate * mean / (variance.squareRoot() + epsilon)
        }
    }
}
