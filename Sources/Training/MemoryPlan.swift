import Diagnostics
import Kernels
import Tokenization

/// What training will take of memory beside what is there when it begins.
public struct MemoryPlan: Sendable {
    public struct Part: Sendable {
        public let name: String
        public let bytes: Int
    }

    /// Each with its name, in the order in which it is taken.
    public internal(set) var parts: [Part] = []

    public var byteCount: Int { parts.reduce(0) { $0 + $1.bytes } }

    /// Adds what a body makes room for.
    mutating func room<Result>(_ name: String, _ body: () -> Result) -> Result {
        let before = FloatBuffer.expectedByteCount
        let result = body()
        add(name, FloatBuffer.expectedByteCount - before)
        return result
    }

    mutating func add(_ name: String, _ bytes: Int) {
        if bytes > 0 { parts.append(Part(name: name, bytes: bytes)) }
    }
}

extension TrainingData {
    /// The batch with the most tokens among the first of a run.
    ///
    /// - Throws: `Failure` where the data cannot be read.
    func longestBatch(batchSize: Int, seed: UInt64) throws(Failure) -> TrainingBatch? {
        var stream = epoch(0, batchSize: batchSize, seed: seed)
        var longest: TrainingBatch?
        // Enough that a longer batch is rare, and few enough to be tokenised at once.
        for _ in 0..<512 {
            guard let batch = try stream.next() else { break }
            if batch.sequences.tokenCount > longest?.sequences.tokenCount ?? -1 { longest = batch }
        }
        return longest
    }
}
