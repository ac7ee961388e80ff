import Foundation
import Kernels
import Randomness

/// Floats between marks that show a write past either end, at an address that is a multiple of
/// nothing but a float's size.
final class GuardedFloats {
    private static let margin = 19
    private static let mark: UInt32 = 0x7FC0_BEEF
    private let buffer: FloatBuffer
    let count: Int

    init(_ values: [Float]) {
        count = values.count
        buffer = FloatBuffer(count: values.count + 2 * Self.margin)
        for index in 0..<buffer.count { buffer.base[index] = Float(bitPattern: Self.mark) }
        for (index, value) in values.enumerated() { base[index] = value }
    }

    /// Filled with marks, so that an element nobody writes is not a number.
    convenience init(count: Int) {
        self.init([Float](repeating: Float(bitPattern: Self.mark), count: count))
    }

    var base: UnsafeMutablePointer<Float> { buffer.base + Self.margin }

    var values: [Float] { Array(UnsafeBufferPointer(start: base, count: count)) }

    /// Whether the marks on both sides are as they were.
    var isIntact: Bool {
        (0..<Self.margin).allSatisfy {
            buffer.base[$0].bitPattern == Self.mark
                && base[count + $0].bitPattern == Self.mark
        }
    }

    func matrix(rows: Int, columns: Int) -> Matrix {
        precondition(rows * columns == count)
        return Matrix(base, rows: rows, columns: columns)
    }

    /// Columns of a wider matrix.
    func matrix(rows: Int, columns: Int, at column: Int, stride: Int) -> Matrix {
        precondition(rows * stride == count && column + columns <= stride)
        return Matrix(base + column, rows: rows, columns: columns, stride: stride)
    }
}

/// Draws from the normal distribution, the same for the same seed.
func normals(_ count: Int, seed: UInt64, deviation: Double = 1) -> [Float] {
    var random = Philox(seed: seed, purpose: .sampling)
    return (0..<count).map { _ in
        let radius = (-2 * log((Double(random.nextWord()) + 1) * 0x1p-32)).squareRoot()
        return Float(deviation * radius * cos(2 * Double.pi * Double(random.nextWord()) * 0x1p-32))
    }
}

func doubles(_ values: [Float]) -> [Double] { values.map(Double.init) }

/// The largest difference of any element, in units of the largest expected magnitude (at least
/// `floor`); infinite where counts differ or anything is not a number.
func worstError(_ computed: [Float], _ expected: [Double], floor: Double = 1e-3) -> Double {
    guard computed.count == expected.count else { return .infinity }
    let scale = expected.reduce(floor) { max($0, abs($1)) }
    var worst = 0.0
    for (a, b) in zip(computed, expected) {
        let error = abs(Double(a) - b) / scale
        if error.isNaN { return .infinity }
        worst = max(worst, error)
    }
    return worst
}

/// The largest difference between a gradient and central differences of `function`, element by
/// element, relative to the element (or to a hundredth of the largest, where that is more).
func differenceError(
    at point: [Double],
    gradient: [Double],
    of function: ([Double]) -> Double
) -> Double {
    guard point.count == gradient.count else { return .infinity }
    let floor = 0.01 * gradient.reduce(0) { max($0, abs($1)) }
    let step = 1e-5
    var worst = 0.0
    for index in point.indices {
        var moved = point
        moved[index] = point[index] + step
        let above = function(moved)
        moved[index] = point[index] - step
        let slope = (above - function(moved)) / (2 * step)
        let error = abs(slope - gradient[index])
        if error.isNaN { return .infinity }
        if error > 0 { worst = max(worst, error / max(abs(slope), floor)) }
    }
    return worst
}

/// Σ aᵢ bᵢ: a loss whose gradient with respect to `a` is `b`.
func dot(_ a: [Double], _ b: [Double]) -> Double {
    precondition(a.count == b.count)
    return zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
}

/// Sizes around the sixteen lanes of a vector, the goldens' 24 and 26, and real widths.
let oddSizes = [1, 15, 16, 17, 24, 26, 100, 312]

extension [GuardedFloats] {
    var areIntact: Bool { allSatisfy { $0.isIntact } }
}
