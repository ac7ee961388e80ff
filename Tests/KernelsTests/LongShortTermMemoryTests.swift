import CKernels
import Foundation
import Kernels
import Testing

/// One time step against the definition in double precision.
@Suite struct LongShortTermMemoryTests {
    private static func logistic(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

    @Test(arguments: [1, 15, 16, 17, 150], [true, false])
    func `a step is that of the definition`(_ units: Int, _ isFirst: Bool) {
        let rows = 3
        let inputs = normals(rows * 4 * units, seed: 1, deviation: 3)
        let before = normals(rows * units, seed: 2)
        let (gates, past) = (GuardedFloats(inputs), GuardedFloats(before))
        let (cells, output) = (
            GuardedFloats(count: rows * units), GuardedFloats(count: rows * units)
        )
        LongShortTermMemory.forward(
            gates: gates.base,
            before: isFirst ? nil : UnsafePointer(past.base),
            cells: cells.base,
            output: output.base,
            rows: rows,
            units: units
        )
        #expect(gates.isIntact && cells.isIntact && output.isIntact && past.values == before)
        for row in 0..<rows {
            for unit in 0..<units {
                let start = row * 4 * units + unit
                func input(_ gate: Int) -> Double { Double(inputs[start + gate * units]) }
                let i = Self.logistic(input(0))
                let f = Self.logistic(input(1))
                let (g, o) = (tanh(input(2)), Self.logistic(input(3)))
                let c = i * g + (isFirst ? 0 : f * Double(before[row * units + unit]))
                let found = (0..<4).map { Double(gates.values[start + $0 * units]) }
                for (value, expected) in zip(found, [i, f, g, o]) {
                    #expect(abs(value - expected) < 3e-7)
                }
                #expect(abs(Double(cells.values[row * units + unit]) - c) < 1e-6)
                #expect(abs(Double(output.values[row * units + unit]) - o * tanh(c)) < 1e-6)
            }
        }
    }

    @Test func `tanh keeps its relative precision about zero, and its ends`() {
        let x: [Float] = [0, 1e-6, -1e-3, 0.1, -0.6249, 0.6251, 2, -9, 40, -200]
        // With an open output gate and a closed past, c = tanh(x) and h = tanh(c).
        for x in x {
            var gates: [Float] = [100, -100, x, 100]
            var (cell, output): (Float, Float) = (0, 0)
            LongShortTermMemory.forward(
                gates: &gates,
                before: nil,
                cells: &cell,
                output: &output,
                rows: 1,
                units: 1
            )
            let expected = tanh(Double(x))
            #expect(abs(Double(cell) - expected) <= 4e-7 * abs(expected), "\(x)")
        }
    }

    @Test(arguments: [1, 16, 37])
    func `the gradient is the slope of the definition`(_ units: Int) {
        let inputs = normals(4 * units, seed: 3, deviation: 1.5).map(Double.init)
        let before = normals(units, seed: 4).map(Double.init)
        let dOutput = normals(units, seed: 5)
        let dCells = normals(units, seed: 6)
        /// What the gradients are of: the output and the cells, weighted.
        func value(_ inputs: [Double], _ before: [Double]) -> Double {
            (0..<units).reduce(0) { sum, unit in
                let c =
                    Self.logistic(inputs[unit]) * tanh(inputs[2 * units + unit])
                    + Self.logistic(inputs[units + unit]) * before[unit]
                let h = Self.logistic(inputs[3 * units + unit]) * tanh(c)
                return sum + h * Double(dOutput[unit]) + c * Double(dCells[unit])
            }
        }
        func slope(_ body: (Double) -> Double) -> Double { (body(1e-5) - body(-1e-5)) / 2e-5 }
        let gates = GuardedFloats(inputs.map { Float($0) })
        let past = GuardedFloats(before.map { Float($0) })
        let (cells, output) = (GuardedFloats(count: units), GuardedFloats(count: units))
        let d = GuardedFloats(dCells)
        LongShortTermMemory.forward(
            gates: gates.base,
            before: past.base,
            cells: cells.base,
            output: output.base,
            rows: 1,
            units: units
        )
        LongShortTermMemory.backward(
            gates: gates.base,
            before: past.base,
            cells: cells.base,
            dOutput: dOutput,
            dCells: d.base,
            rows: 1,
            units: units
        )
        #expect(gates.isIntact && d.isIntact && past.isIntact && cells.isIntact)
        for index in 0..<4 * units {
            let expected = slope { move in
                var moved = inputs
                moved[index] += move
                return value(moved, before)
            }
            #expect(abs(Double(gates.values[index]) - expected) < 3e-6)
        }
        for unit in 0..<units {
            let expected = slope { move in
                var moved = before
                moved[unit] += move
                return value(inputs, moved)
            }
            #expect(abs(Double(d.values[unit]) - expected) < 3e-6)
        }
    }

    @Test(arguments: [1, 17, 150])
    func `every instruction set agrees`(_ units: Int) {
        let inputs = normals(2 * 4 * units, seed: 7, deviation: 2)
        let before = normals(2 * units, seed: 8)
        let d = normals(2 * units, seed: 9)
        let results = KernelVersion.all.map(\.kernels).map { version in
            let gates = GuardedFloats(inputs)
            let (c, h) = (GuardedFloats(count: 2 * units), GuardedFloats(count: 2 * units))
            let dc = GuardedFloats(d)
            version.bk_lstm_forward?(gates.base, before, c.base, h.base, 2, units)
            let forward = gates.values + c.values + h.values
            version.bk_lstm_backward?(gates.base, before, c.base, d, dc.base, 2, units)
            #expect(gates.isIntact && c.isIntact && h.isIntact && dc.isIntact)
            return forward + gates.values + dc.values
        }
        for result in results {
            #expect(worstError(result, doubles(results[0])) < 2e-6)
        }
    }
}
