import Bert
import Glibc
import Kernels

/// What the machine can do, measured by the same workers through the same libraries: the most of
/// several tries.
struct MachineLimits: Encodable {
    /// Of all workers together, each multiplying on its own.
    private(set) var gflopPerS = 0.0
    /// Of all workers together, copying: bytes read and bytes written.
    private(set) var gbPerS = 0.0
    /// The product: rows, outputs and inputs.
    let product: [Int]
    /// The bytes that are copied.
    let copyBytes = 1 << 26

    private let precision: Precision

    private enum CodingKeys: CodingKey { case gflopPerS, gbPerS, product, copyBytes }

    init(of configuration: BertConfiguration, _ precision: Precision) {
        self.precision = precision
        product = [128, configuration.intermediateSize, configuration.hiddenSize]
    }

    /// Tries again, about a tenth of a second long.
    mutating func measure(_ pool: WorkerPool) {
        gflopPerS = max(gflopPerS, multiply(pool) * 1e-9)
        gbPerS = max(gbPerS, copy(pool) * 1e-9)
    }

    /// Floating-point operations per second.
    private func multiply(_ pool: WorkerPool) -> Double {
        let (rows, output, input) = (product[0], product[1], product[2])
        let weights = FloatBuffer(count: output * input + output)
        let layer = Linear(
            weight: weights.base,
            bias: weights.base + output * input,
            output: output,
            input: input
        ).packing(precision)
        let operations = 2 * rows * output * input
        let repeats = min(1000, max(1, 400_000_000 / operations))
        let memory = (0..<pool.workerCount).map { _ in
            FloatBuffer(count: rows * (input + output))
        }
        func pass(_ tasks: Int) -> Double {
            let start = now()
            pool.run(tasks) { _, worker in
                let x = memory[worker].matrix(rows: rows, columns: input)
                let out = memory[worker].matrix(rows: rows, columns: output, at: rows * input)
                for _ in 0..<repeats { layer.forward(x, into: out) }
            }
            return Double(operations * repeats * tasks) / (now() - start)
        }
        // Once to compile the product and touch the memory.
        _ = pass(2 * pool.workerCount)
        return withExtendedLifetime(weights) {
            (0..<3).map { _ in pass(4 * pool.workerCount) }.max() ?? 0
        }
    }

    /// Bytes per second.
    private func copy(_ pool: WorkerPool) -> Double {
        let count = copyBytes / MemoryLayout<Float>.stride
        let (source, target) = (FloatBuffer(count: count), FloatBuffer(count: count))
        // Memory that was never written is one page of zeros.
        source.base.update(repeating: 1, count: count)
        let pieces = 16
        func pass() -> Double {
            let start = now()
            pool.run(pieces) { task, _ in
                let offset = task * count / pieces
                memcpy(target.base + offset, source.base + offset, copyBytes / pieces)
            }
            return Double(2 * copyBytes) / (now() - start)
        }
        _ = pass()
        return (0..<3).map { _ in pass() }.max() ?? 0
    }
}
