import Diagnostics
import Kernels
import Training

/// What a run takes of memory.
enum MemoryUse {
    /// What the matrix library takes once it has met a run's products, code and buffers, as measured.
    private static var library: Int { MatrixBackend.current == .oneDNN ? 33_000_000 : 8_000_000 }

    /// The most that training will take, in bytes.
    ///
    /// - Throws: `Failure` of kind `.limit` with the parts where that is more than there is.
    static func check(_ plan: MemoryPlan) throws(Failure) -> Int {
        let resident = Machine.residentMemory ?? 0
        // What came before may have taken more.
        let needed = max(resident + plan.byteCount + library, Machine.peakMemory ?? 0)
        let parts =
            [("models and data", resident)] + plan.parts.map { ($0.name, $0.bytes) }
            + [("matrix library", library)]
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
}
