import Kernels

/// What the hidden layer reads of the texts' final states: those of one text, or of a pair
/// [a, b, a ⊙ b, |a − b|].
struct FeatureLayer {
    /// 2U.
    let width: Int
    let pairs: Bool

    /// The features of some examples; of single texts they are the states themselves.
    ///
    /// - Parameters:
    ///   - states: of all texts, `[texts, 2U]`.
    ///   - target: `[examples, 8U]`, written for pairs.
    func forward(_ states: Matrix, examples: Range<Int>, into target: Matrix) -> Matrix {
        guard pairs else { return states.slice(examples) }
        for (row, example) in examples.enumerated() {
            let a = states.base + 2 * example * width
            let b = a + width
            let out = target.base + row * target.stride
            for index in 0..<width {
                out[index] = a[index]
                out[width + index] = b[index]
                out[2 * width + index] = a[index] * b[index]
                out[3 * width + index] = abs(a[index] - b[index])
            }
        }
        return target.slice(0..<examples.count)
    }

    /// The gradient of the states from that of the features.
    func backward(_ d: Matrix, states: Matrix, examples: Range<Int>, into dStates: Matrix) {
        for (row, example) in examples.enumerated() {
            let source = d.base + row * d.stride
            guard pairs else {
                (dStates.base + example * width).update(from: source, count: width)
                continue
            }
            let a = states.base + 2 * example * width
            let b = a + width
            let da = dStates.base + 2 * example * width
            let db = da + width
            for index in 0..<width {
                let product = source[2 * width + index]
                // |x| has the slope 0 at 0.
                let difference = a[index] - b[index]
                let sign: Float = difference > 0 ? 1 : difference < 0 ? -1 : 0
                let distance = sign * source[3 * width + index]
                da[index] = source[index] + product * b[index] + distance
                db[index] = source[width + index] + product * a[index] - distance
            }
        }
    }
}
