import Diagnostics
import Kernels
import Training

/// What a run takes of memory.
enum MemoryUse {
    /// The most that training will take, in bytes.
    ///
    /// - Throws: `Failure` of kind `.limit` with the parts where that is more than there is.
    static func check(_ plan: MemoryPlan, _ pool: WorkerPool) throws(Failure) -> Int {
        multiply(on: pool)
        let resident = Machine.residentMemory ?? 0
        // What came before may have taken more.
        let needed = max(resident + plan.byteCount, Machine.peakMemory ?? 0)
        let parts = [("models and data", resident)] + plan.parts.map { ($0.name, $0.bytes) }
        let list = parts.map { "\($0.0) \(MemoryLimit.megabytes($0.1))" }
        try MemoryLimit.check(
            needed,
            "training",
            "it takes up to",
            parts: " (\(list.joined(separator: ", ")))",
            remedy:
                "A smaller --batch-size or --max-length takes less; --gradient-accumulation makes "
                + "up for the batch"
        )
        return needed
    }

    /// The matrix library's code, tens of megabytes, is resident only once it has been used.
    private static func multiply(on pool: WorkerPool) {
        let size = 64
        let memory = (0..<pool.workerCount).map { _ in FloatBuffer(count: 5 * size * size) }
        pool.run(pool.workerCount) { _, worker in
            let base = memory[worker].base
            let layer = Linear(
                weight: base,
                bias: base + size * size,
                output: size,
                input: size
            )
            let input = memory[worker].matrix(rows: size, columns: size, at: 2 * size * size)
            let output = memory[worker].matrix(rows: size, columns: size, at: 3 * size * size)
            layer.forward(input, into: output)
            layer.backwardInput(output, into: input, accumulate: false)
            layer.accumulateWeight(output, input, accumulate: false)
        }
    }
}
