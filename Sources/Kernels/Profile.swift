import Glibc

/// Where the workers' time went, by operation, with what was computed and moved.
///
/// Every worker has its own counters, so that recording takes no lock and allocates nothing. Each
/// stretch of a worker's time is charged to exactly one operation: the sum over operations and
/// workers is the whole, `workerCount · seconds`.
///
/// A class because its identity is the counters.
public final class Profile: @unchecked Sendable {
    /// What one operation has added up to.
    public struct Total: Sendable {
        /// By worker.
        public var seconds: [Double]
        public var calls: Int
        /// Floating-point operations of products and attention, a multiply and an add counting two.
        public var operations: Int
        /// What must at least be read and written, each operand once a call.
        public var bytes: Int
    }

    public let workerCount: Int
    /// The seconds recorded, by the clock on the wall.
    public private(set) var seconds = 0.0
    /// Bodies recorded.
    public private(set) var passes = 0
    private let memory: UnsafeMutablePointer<UInt64>

    public init(workerCount: Int) {
        self.workerCount = workerCount
        memory = .allocate(capacity: workerCount * OperationRecorder.size)
        memory.initialize(repeating: 0, count: workerCount * OperationRecorder.size)
    }

    deinit { memory.deallocate() }

    func recorder(_ worker: Int) -> OperationRecorder {
        OperationRecorder(base: memory + worker * OperationRecorder.size)
    }

    /// Starts every worker's time.
    fileprivate func begin() -> UInt64 {
        let start = OperationRecorder.now()
        for worker in 0..<workerCount { recorder(worker).restart(at: start) }
        return start
    }

    /// Charges the time since each worker's last operation, and adds to the whole.
    fileprivate func end(since start: UInt64) {
        recorder(0).lap(.planning)
        for worker in 1..<max(1, workerCount) { recorder(worker).lap(.waiting) }
        seconds += Double(OperationRecorder.now() - start) * 1e-9
        passes += 1
    }

    public subscript(_ operation: ProfiledOperation) -> Total {
        let parts = (0..<workerCount).map { recorder($0).counts(operation) }
        return Total(
            seconds: parts.map { Double($0[0]) * 1e-9 },
            calls: parts.reduce(0) { $0 + Int($1[1]) },
            operations: parts.reduce(0) { $0 + Int($1[2]) },
            bytes: parts.reduce(0) { $0 + Int($1[3]) }
        )
    }
}

extension WorkerPool {
    /// Records what `body` does with this pool. Results do not change.
    ///
    /// - Precondition: `profile` is for as many workers, and nobody else uses the pool meanwhile.
    public func record<Result, Problem: Error>(
        into profile: Profile,
        _ body: () throws(Problem) -> Result
    ) throws(Problem) -> Result {
        precondition(profile.workerCount == workerCount, "a profile for other workers")
        self.profile = profile
        let start = profile.begin()
        defer {
            profile.end(since: start)
            self.profile = nil
        }
        return try body()
    }

    /// A worker's counters while somebody records, else nil.
    ///
    /// - Parameter worker: as `run` gives it to a task; 0 is the caller's.
    public func recorder(_ worker: Int) -> OperationRecorder? { profile?.recorder(worker) }
}

/// One worker's counters: a stopwatch whose laps are operations.
///
/// Kept as an optional: `recorder?.lap(…)` evaluates nothing when nobody records.
public struct OperationRecorder: @unchecked Sendable {
    /// Words of memory a worker has: the last lap's end, then four counts for each operation.
    /// Two workers' words share no pair of cache lines.
    static let size = (8 + 4 * ProfiledOperation.allCases.count + 31) / 16 * 16
    fileprivate let base: UnsafeMutablePointer<UInt64>

    fileprivate static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }

    fileprivate func restart(at time: UInt64) { base[0] = time }

    fileprivate func counts(_ operation: ProfiledOperation) -> UnsafeMutablePointer<UInt64> {
        base + 8 + 4 * operation.rawValue
    }

    /// Charges the time since the last lap to an operation.
    ///
    /// - Parameters:
    ///   - operations: floating-point operations of products and attention.
    ///   - floats: how many must at least be read and written.
    ///   - bytes: the same of other types.
    public func lap(
        _ operation: ProfiledOperation,
        operations: Int = 0,
        floats: Int = 0,
        bytes: Int = 0
    ) {
        let time = Self.now()
        let counts = counts(operation)
        counts[0] &+= time &- base[0]
        counts[1] &+= 1
        counts[2] &+= UInt64(operations)
        counts[3] &+= UInt64(floats * MemoryLayout<Float>.stride + bytes)
        base[0] = time
    }
}

/// What the operations compute and move.
extension OperationRecorder {
    /// A linear layer's forward product over `rows` rows: Y = X Wᵀ + b.
    public func forward(_ operation: ProfiledOperation, _ linear: Linear, rows: Int) {
        let (weights, width) = (linear.output * linear.input, linear.output + linear.input)
        lap(
            operation,
            operations: 2 * rows * weights,
            floats: weights + linear.output + rows * width
        )
    }

    /// Its input's gradient, dX = dY W or dX += dY W.
    public func backwardInput(
        _ operation: ProfiledOperation,
        _ linear: Linear,
        rows: Int,
        accumulate: Bool
    ) {
        let weights = linear.output * linear.input
        let width = linear.output + (accumulate ? 2 : 1) * linear.input
        lap(operation, operations: 2 * rows * weights, floats: weights + rows * width)
    }

    /// Its weight's gradient, dW = dYᵀ X or dW += dYᵀ X.
    public func weight(
        _ operation: ProfiledOperation,
        _ linear: Linear,
        inputs: Int? = nil,
        rows: Int,
        accumulate: Bool
    ) {
        let inputs = inputs ?? linear.input
        let weights = linear.output * inputs
        lap(
            operation,
            operations: 2 * rows * weights,
            floats: (accumulate ? 2 : 1) * weights + rows * (linear.output + inputs)
        )
    }

    /// Attention of sequences with `pairs` pairs of a query and a key in all.
    ///
    /// - Parameters:
    ///   - products: the number of matrix products of queries, keys and a head's width: 2 forward,
    ///     5 backward, where the scores are computed again.
    ///   - width: of the heads that are computed, side by side.
    ///   - rows: of that width, read and written, counted once for each matrix.
    public func attention(
        _ operation: ProfiledOperation,
        products: Int,
        pairs: Int,
        width: Int,
        rows: Int
    ) {
        lap(operation, operations: 2 * products * pairs * width, floats: rows * width)
    }
}
