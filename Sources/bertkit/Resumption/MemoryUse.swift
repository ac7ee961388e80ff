import Diagnostics
import Training

/// What a run takes of memory.
enum MemoryUse {
    /// The most that training will take, in bytes.
    ///
    /// - Throws: `Failure` of kind `.limit` with the parts where that is more than there is.
    static func check(_ plan: MemoryPlan) throws(Failure) -> Int {
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
}
