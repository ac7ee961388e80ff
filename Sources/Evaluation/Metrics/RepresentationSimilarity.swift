import Dispatch
import Foundation

/// The inner products of some rows with each other, K = X Xᵀ with a zero diagonal: what a comparison of
/// representations knows of one side, whatever its width.
///
/// Compared by linear centred kernel alignment, 1 for representations that are equal up to rotation and
/// scale, near 0 for unrelated ones, from the unbiased estimates of HSIC: with about as many rows as columns
/// the plain estimates say "alike" of noise.
///
/// - Source: Kornblith et al. 2019, "Similarity of neural network representations revisited"; Song et al. 2012,
///   "Feature selection via dependence maximization", for the unbiased estimate.
public struct InnerProducts: Sendable {
    /// n
    public let count: Int
    /// [n, n] row-major
    let values: [Double]
    private let sums: [Double]
    private let total: Double

    /// - Parameter rows: [n, width] row-major; n is 4 at least.
    public init(_ rows: [Float], width: Int) {
        precondition(width > 0 && rows.count % width == 0 && rows.count >= 4 * width)
        let count = rows.count / width
        // Columns are centred first, which changes nothing but the rounding.
        var means = [Double](repeating: 0, count: width)
        for (index, value) in rows.enumerated() { means[index % width] += Double(value) }
        let lanes = (width + 7) / 8
        var packed = [SIMD8<Double>](repeating: .zero, count: count * lanes)
        for (index, value) in rows.enumerated() {
            let (row, column) = index.quotientAndRemainder(dividingBy: width)
            packed[row * lanes + column / 8][column % 8] =
                Double(value) - means[column] / Double(count)
        }
        var products = [Double](repeating: 0, count: count * count)
        products.withUnsafeMutableBufferPointer { products in
            packed.withUnsafeBufferPointer { packed in
                // Safe: a task writes the pairs of its own row, and nobody else has those.
                nonisolated(unsafe) let (products, packed) = (products, packed)
                DispatchQueue.concurrentPerform(iterations: count) { row in
                    for other in 0..<row {
                        var sum = SIMD8<Double>.zero
                        for lane in 0..<lanes {
                            sum += packed[row * lanes + lane] * packed[other * lanes + lane]
                        }
                        let product = sum.sum()
                        products[row * count + other] = product
                        products[other * count + row] = product
                    }
                }
            }
        }
        self.count = count
        values = products
        sums = (0..<count).map { row in products[row * count..<(row + 1) * count].reduce(0, +) }
        total = sums.reduce(0, +)
    }

    /// The alignment with what other representations of the same rows have; nil where a side does not vary.
    public func alignment(_ other: InnerProducts) -> Double? {
        precondition(count == other.count)
        let (own, theirs) = (independence(self), other.independence(other))
        guard own > 0, theirs > 0 else { return nil }
        return independence(other) / (own * theirs).squareRoot()
    }

    /// The unbiased estimate of HSIC, up to the factor n (n − 3).
    private func independence(_ other: InnerProducts) -> Double {
        let n = Double(count)
        var product = 0.0
        for (a, b) in zip(values, other.values) { product += a * b }
        let crossed = zip(sums, other.sums).reduce(0) { $0 + $1.0 * $1.1 }
        return product + total * other.total / ((n - 1) * (n - 2)) - 2 / (n - 2) * crossed
    }
}

/// Row by row comparisons of what layers put out.
public enum LayerComparison {
    /// The mean cosine of rows, [n, width] both; nil where all rows of a side are zero.
    public static func meanCosine(_ a: [Float], _ b: [Float], width: Int) -> Double? {
        precondition(a.count == b.count && width > 0)
        var (sum, count) = (0.0, 0)
        for start in stride(from: 0, to: a.count, by: width) {
            var (product, squaresA, squaresB) = (0.0, 0.0, 0.0)
            for index in start..<start + width {
                let (x, y) = (Double(a[index]), Double(b[index]))
                product += x * y
                squaresA += x * x
                squaresB += y * y
            }
            guard squaresA > 0, squaresB > 0 else { continue }
            sum += product / (squaresA.squareRoot() * squaresB.squareRoot())
            count += 1
        }
        return count > 0 ? sum / Double(count) : nil
    }

    /// The mean over queries of KL(teacher‖student) between attention distributions that are means over
    /// heads, in nats, so that models with different numbers of heads are compared.
    ///
    /// - Parameters:
    ///   - teacher: sequence after sequence `[heads, n, n]` of probabilities.
    ///   - lengths: n of each sequence.
    public static func attentionKL(
        teacher: [Float],
        heads teacherHeads: Int,
        student: [Float],
        heads studentHeads: Int,
        lengths: [Int]
    ) -> Double? {
        var (sum, queries, teacherStart, studentStart) = (0.0, 0, 0, 0)
        for length in lengths {
            let square = length * length
            for query in 0..<length {
                for key in 0..<length {
                    let place = query * length + key
                    func mean(_ values: [Float], _ start: Int, _ heads: Int) -> Double {
                        (0..<heads).reduce(0) { $0 + Double(values[start + $1 * square + place]) }
                            / Double(heads)
                    }
                    let p = mean(teacher, teacherStart, teacherHeads)
                    let q = mean(student, studentStart, studentHeads)
                    // Probabilities that underflow count as the least single-precision number.
                    if p > 0 { sum += p * log(p / max(q, Double(Float.leastNonzeroMagnitude))) }
                }
            }
            queries += length
            teacherStart += teacherHeads * square
            studentStart += studentHeads * square
        }
        precondition(teacherStart == teacher.count && studentStart == student.count)
        return queries > 0 ? max(0, sum / Double(queries)) : nil
    }
}
