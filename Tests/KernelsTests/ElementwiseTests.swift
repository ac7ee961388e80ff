import Foundation
import Kernels
import Testing

@Suite struct ElementwiseTests {
    @Test(arguments: [0] + oddSizes) func `sums and products by a number`(_ count: Int) {
        let (x, y) = (normals(count, seed: 1), normals(count, seed: 2))
        let a = GuardedFloats(x)
        Elementwise.add(a.base, y, count: count)
        #expect(a.values == zip(x, y).map { $0 + $1 } && a.isIntact)
        let b = GuardedFloats(x)
        Elementwise.scale(b.base, by: 0.3, count: count)
        #expect(b.values == x.map { $0 * 0.3 } && b.isIntact)
        let squares = doubles(x).reduce(0) { $0 + $1 * $1 }
        #expect(abs(Elementwise.sumOfSquares(b.base, count: 0)) == 0)
        let found = Elementwise.sumOfSquares(x, count: count)
        #expect(abs(found - squares) <= 1e-12 * squares)
    }

    @Test func `the sum of squares is taken in double precision`() {
        // In single precision the ones would be lost beside 10⁸.
        let x = [Float(1e4)] + [Float](repeating: 1, count: 1000)
        #expect(Elementwise.sumOfSquares(x, count: 1001) == 1e8 + 1000)
        let large = [Float](repeating: 1e30, count: 17)
        #expect(Elementwise.sumOfSquares(large, count: 17).isFinite)
    }

    @Test func `every place of a value that is not finite is found`() {
        for bad in [Float.nan, .infinity, -.infinity, .signalingNaN] {
            for place in 0..<35 {
                var x = normals(35, seed: 3)
                #expect(Elementwise.allFinite(x, count: 35))
                x[place] = bad
                #expect(!Elementwise.allFinite(x, count: 35))
                #expect(Elementwise.allFinite(x, count: place))
            }
        }
    }

    @Test(arguments: oddSizes, [0, 1, 5]) func `column sums add up rows`(_ columns: Int, _ rows: Int) {
        let stride = columns + 3
        let x = normals(rows * stride, seed: 4)
        let start = normals(columns, seed: 5)
        let sums = GuardedFloats(start)
        let wide = GuardedFloats(x)
        Elementwise.addColumnSums(
            wide.matrix(rows: rows, columns: columns, at: 0, stride: stride),
            to: sums.base
        )
        #expect(wide.isIntact)
        let expected = (0..<columns).map { column in
            (0..<rows).reduce(Double(start[column])) { $0 + Double(x[$1 * stride + column]) }
        }
        #expect(worstError(sums.values, expected) < 1e-6 && sums.isIntact)
    }

    @Test(arguments: oddSizes, [0, 1, 5])
    func `the embedding sum takes a row of each table`(_ columns: Int, _ rows: Int) {
        let word = GuardedFloats(normals(11 * columns, seed: 6))
        let position = GuardedFloats(normals(7 * columns, seed: 7))
        let type = GuardedFloats(normals(2 * columns, seed: 8))
        let ids: [Int32] = [10, 0, 3, 3, 7]
        let positions: [Int32] = [0, 1, 6, 0, 2]
        let types: [Int32] = [0, 1, 1, 0, 0]
        let out = GuardedFloats(count: rows * columns)
        Elementwise.embeddingSum(
            ids: ids,
            positions: positions,
            types: types,
            word: word.base,
            position: position.base,
            type: type.base,
            into: out.matrix(rows: rows, columns: columns)
        )
        let expected = (0..<rows).flatMap { row in
            (0..<columns).map { column in
                Double(word.base[Int(ids[row]) * columns + column])
                    + Double(position.base[Int(positions[row]) * columns + column])
                    + Double(type.base[Int(types[row]) * columns + column])
            }
        }
        #expect(worstError(out.values, expected) < 1e-6 && out.isIntact)
    }
}
