import COpenBLAS

/// The eigenvectors of a symmetric matrix, by LAPACK's `dsyevd` as OpenBLAS has it, on one thread.
public struct SymmetricEigenvectors: Sendable {
    /// Largest first.
    public let values: [Double]
    /// `[n, n]` row-major: row i is the vector of `values[i]`, of length 1.
    public let vectors: [Double]

    /// - Parameter matrix: `[n, n]` row-major; its upper or lower triangle is read.
    /// - Returns: nil if the library does not have LAPACK or finds no solution, as for values that are
    ///   not finite.
    public init?(_ matrix: [Double], size: Int) {
        precondition(size > 0 && matrix.count == size * size)
        guard matrix.allSatisfy(\.isFinite) else { return nil }
        var ascending = [Double](repeating: 0, count: size)
        var rows = matrix
        guard bk_openblas_dsyevd(Int32(size), &rows, &ascending) == 0 else { return nil }
        values = ascending.reversed()
        vectors = (0..<size).reversed().flatMap { rows[$0 * size..<($0 + 1) * size] }
    }
}
