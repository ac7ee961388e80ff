import CKernels
import COneDNN
import Glibc
import Synchronization

/// Threads that carry out numbered tasks together with the caller.
///
/// Tasks are handed out one at a time in order; what a task computes must not depend on which
/// worker takes it. A class because its identity is its threads.
public final class WorkerPool: @unchecked Sendable {
    public let workerCount: Int

    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let wake: UnsafeMutablePointer<pthread_cond_t>
    private var threads: [pthread_t] = []
    private var body: ((_ task: Int, _ worker: Int) -> Void)?
    private var taskCount = 0
    /// Whether tasks are left out.
    private var isAbandoned: (@Sendable () -> Bool)?
    /// Where the workers' time is recorded, while somebody asked.
    var profile: Profile?
    /// Tasks of the phase that nobody has taken yet; `closing` once there will be none.
    ///
    /// Whoever takes one may read `body`, `taskCount`, `isAbandoned` and `profile`, which change only between phases:
    /// a phase ends when its tasks are done, whether or not every worker has looked in.
    private let remaining = Atomic<Int>(0)
    private static let closing = -1
    /// Tasks of the phase that are done.
    private let done = Atomic<Int>(0)
    /// Workers that sleep, or are about to, and must be woken for the next phase.
    private let sleepers = Atomic<Int>(0)

    /// The processors this process may run on.
    public static var availableProcessors: Int { Int(bk_available_processors()) }

    public init(workerCount: Int = WorkerPool.availableProcessors) {
        precondition(workerCount >= 1)
        self.workerCount = workerCount
        lock = .allocate(capacity: 1)
        wake = .allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
        pthread_cond_init(wake, nil)
        for worker in 1..<max(1, workerCount) {
            let start = Unmanaged.passRetained(WorkerStart(pool: self, worker: worker))
            var thread = pthread_t()
            let status = pthread_create(
                &thread,
                nil,
                { argument in
                    let start = Unmanaged<WorkerStart>.fromOpaque(argument!).takeRetainedValue()
                    let (pool, worker) = (start.pool, start.worker)
                    pool._withUnsafeGuaranteedRef { $0.serve(worker) }
                    return nil
                },
                start.toOpaque()
            )
            precondition(status == 0, "cannot start a worker thread (error \(status))")
            threads.append(thread)
        }
    }

    deinit {
        pthread_mutex_lock(lock)
        remaining.store(Self.closing, ordering: .sequentiallyConsistent)
        pthread_cond_broadcast(wake)
        pthread_mutex_unlock(lock)
        for thread in threads { pthread_join(thread, nil) }
        pthread_mutex_destroy(lock)
        pthread_cond_destroy(wake)
        lock.deallocate()
        wake.deallocate()
    }

    /// Prepares the calling thread for numeric work: denormals become zero, and matrix products
    /// start no threads of their own.
    ///
    /// Gives how the thread treated denormals before.
    @discardableResult
    static func prepareThread() -> UInt64 {
        bk_onednn_enter_thread()
        return bk_flush_denormals()
    }

    /// Runs `body` on the calling thread, prepared for numeric work as the workers are.
    public func prepared(_ body: () -> Void) {
        let control = WorkerPool.prepareThread()
        defer { bk_restore_denormals(control) }
        body()
    }

    /// Carries out `body`, in which tasks are left out from the moment that `condition` holds. What it gives
    /// is of no use then: the caller asks for the same condition afterwards.
    public func abandoning<Result, Problem: Error>(
        when condition: @escaping @Sendable () -> Bool,
        _ body: () throws(Problem) -> Result
    ) throws(Problem) -> Result {
        isAbandoned = condition
        defer { isAbandoned = nil }
        return try body()
    }

    /// Runs `body` for every task in `0..<count` and returns when all are done.
    ///
    /// - Parameter body: receives the task and the worker (`0..<workerCount`) that carries it out;
    ///   a worker runs one task at a time, so memory kept per worker needs no lock.
    public func run(_ count: Int, _ body: (_ task: Int, _ worker: Int) -> Void) {
        // Other work of the caller's, a conversion of half floats for one, may need its denormals.
        let control = WorkerPool.prepareThread()
        defer { bk_restore_denormals(control) }
        let recorder = recorder(0)
        recorder?.lap(.planning)
        if workerCount == 1 || count <= 1 {
            for task in 0..<count where !(isAbandoned?() ?? false) {
                body(task, 0)
                recorder?.lap(.planning)
            }
            return
        }
        withoutActuallyEscaping(body) { body in
            self.body = body
            taskCount = count
            done.store(0, ordering: .relaxed)
            // Either this sees a worker that is about to sleep, or that worker sees the tasks.
            remaining.store(count, ordering: .sequentiallyConsistent)
            if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
                pthread_mutex_lock(lock)
                pthread_cond_broadcast(wake)
                pthread_mutex_unlock(lock)
            }
            work(0)
            while done.load(ordering: .acquiring) < count { sched_yield() }
            self.body = nil
            recorder?.lap(.waiting)
        }
    }

    /// Takes tasks until none is left.
    private func work(_ worker: Int) {
        var isFirst = true
        while true {
            let left = remaining.load(ordering: .relaxed)
            if left <= 0 { return }
            let (taken, _) = remaining.weakCompareExchange(
                expected: left,
                desired: left - 1,
                ordering: .acquiringAndReleasing
            )
            if !taken { continue }
            carryOut(taskCount - left, worker, afterWaiting: isFirst)
            isFirst = false
            // From here the phase may be over, and what belongs to it gone.
            done.add(1, ordering: .releasing)
        }
    }

    /// A function of its own, so that it holds nothing of the phase's once it returns.
    @inline(never)
    private func carryOut(_ task: Int, _ worker: Int, afterWaiting: Bool) {
        let recorder = recorder(worker)
        if afterWaiting { recorder?.lap(.waiting) }
        if !(isAbandoned?() ?? false) { body?(task, worker) }
        recorder?.lap(.planning)
    }

    private func serve(_ worker: Int) {
        WorkerPool.prepareThread()
        while true {
            // Phases follow each other within microseconds: look for a while before sleeping.
            var looks = 0
            while remaining.load(ordering: .relaxed) == 0 && looks < 2000 { looks += 1 }
            if remaining.load(ordering: .relaxed) == 0 {
                pthread_mutex_lock(lock)
                sleepers.add(1, ordering: .sequentiallyConsistent)
                while remaining.load(ordering: .sequentiallyConsistent) == 0 {
                    pthread_cond_wait(wake, lock)
                }
                sleepers.subtract(1, ordering: .relaxed)
                pthread_mutex_unlock(lock)
            }
            if remaining.load(ordering: .relaxed) == Self.closing { return }
            work(worker)
        }
    }
}

/// What a new thread is told: its pool, unretained (the pool joins its threads before it goes), and
/// its number.
private final class WorkerStart {
    let pool: Unmanaged<WorkerPool>
    let worker: Int

    init(pool: WorkerPool, worker: Int) {
        self.pool = .passUnretained(pool)
        self.worker = worker
    }
}
