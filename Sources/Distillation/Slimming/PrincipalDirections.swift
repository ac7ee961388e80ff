import Bert
import Diagnostics
import Kernels
import Tensors
import Training

/// The directions that hold most of some vectors' energy Σ (b · x)², and their share of it.
struct PrincipalDirections {
    let basis: Tensor
    /// 0…1.
    let energy: Double

    /// - Parameters:
    ///   - moments: Xᵀ X, `[H, H]` row-major.
    ///   - count: how many directions, at most H.
    /// - Throws: `Failure` of kind `.limit` without LAPACK.
    init(_ moments: [Double], width: Int, count: Int) throws(Failure) {
        guard let found = SymmetricEigenvectors(moments, size: width) else {
            throw Failure(
                .limit,
                "OpenBLAS",
                "it gives no eigenvectors: it was built without LAPACK, or the teacher's hidden states "
                    + "are not finite",
                remedy: "Install libopenblas-dev, or start with --init slim:importance"
            )
        }
        let all = found.values.reduce(0) { $0 + max(0, $1) }
        let kept = found.values.prefix(count).reduce(0) { $0 + max(0, $1) }
        energy = all > 0 ? kept / all : 1
        let rows = Self.aligned(Self.signed(found.vectors.prefix(count * width), width), width)
        basis = Tensor(shape: [count, width], values: rows.map(Float.init))
    }

    /// Each row with its largest component positive: LAPACK leaves the signs open, and the reflection
    /// behind, and so the start, depends on them.
    private static func signed(_ rows: ArraySlice<Double>, _ width: Int) -> [Double] {
        stride(from: 0, to: rows.count, by: width).flatMap { start in
            let row = rows[start..<start + width]
            let largest = row.max { abs($0) < abs($1) } ?? 0
            return largest < 0 ? row.map { -$0 } : Array(row)
        }
    }

    /// The same span, reflected so that the mean over the H dimensions, which layer normalisation
    /// removes, is a multiple of the mean over the h.
    private static func aligned(_ rows: [Double], _ width: Int) -> [Double] {
        let count = rows.count / width
        var axis = (0..<count).map { rows[$0 * width..<($0 + 1) * width].reduce(0, +) }
        let length = axis.reduce(0) { $0 + $1 * $1 }.squareRoot()
        guard length > 1e-9 else { return rows }
        // Householder's reflection along u/|u| − 1/√h.
        for index in axis.indices {
            axis[index] = axis[index] / length - 1 / Double(count).squareRoot()
        }
        let square = axis.reduce(0) { $0 + $1 * $1 }
        guard square > 1e-18 else { return rows }
        var result = rows
        for column in 0..<width {
            let dot = (0..<count).reduce(0) { $0 + axis[$1] * rows[$1 * width + column] }
            for row in 0..<count { result[row * width + column] -= 2 * axis[row] * dot / square }
        }
        return result
    }

    /// Of a teacher's hidden states `states` on batches, each state with the same weight.
    init(
        of teacher: BertInference,
        states: [Int],
        batches: [TrainingBatch],
        count: Int
    ) throws(Failure) {
        let width = teacher.model.configuration.hiddenSize
        let sums = states.map { _ in FloatBuffer(count: width * width) }
        let selection = IntermediateSelection(hiddenStates: Set(states))
        let memory = IntermediateMemory()
        for batch in batches {
            let found = teacher.intermediate(batch.sequences, selection, in: memory)
            for (sum, state) in zip(sums, states) {
                guard let rows = found.hiddenStates[state] else { continue }
                Self.add(rows, to: sum)
            }
        }
        var moments = [Double](repeating: 0, count: width * width)
        for sum in sums {
            let trace = (0..<width).reduce(0.0) { $0 + Double(sum.base[$1 * (width + 1)]) }
            guard trace > 0 else { continue }
            for index in moments.indices { moments[index] += Double(sum.base[index]) / trace }
        }
        try self.init(moments, width: width, count: count)
    }

    /// Of a matrix's rows, `[R, H]`: its right singular vectors.
    init(ofRows matrix: Tensor, count: Int) throws(Failure) {
        let width = matrix.shape[1]
        let rows = FloatBuffer(count: matrix.values.count)
        rows.base.update(from: matrix.values, count: matrix.values.count)
        let sum = FloatBuffer(count: width * width)
        Self.add(rows.matrix(rows: matrix.shape[0], columns: width), to: sum)
        let moments = (0..<width * width).map { Double(sum.base[$0]) }
        try self.init(moments, width: width, count: count)
    }

    /// Adds Xᵀ X.
    private static func add(_ x: Matrix, to sum: FloatBuffer) {
        Linear(weight: sum.base, bias: sum.base, output: x.columns, input: x.columns)
            .accumulateWeight(x, x, accumulate: true)
    }
}
