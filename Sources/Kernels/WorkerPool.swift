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
    private var closing = false
    /// Where the workers' time is recorded, while somebody asked.
    var profile: Profile?
    private let generation = Atomic<Int>(0)
    private let next = Atomic<Int>(0)
    private let busy = Atomic<Int>(0)

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
        closing = true
        generation.add(1, ordering: .releasing)
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
            for task in 0..<count {
                body(task, 0)
                recorder?.lap(.planning)
            }
            return
        }
        withoutActuallyEscaping(body) { body in
            self.body = body
            taskCount = count
            next.store(0, ordering: .relaxed)
            busy.store(workerCount - 1, ordering: .relaxed)
            pthread_mutex_lock(lock)
            generation.add(1, ordering: .releasing)
            pthread_cond_broadcast(wake)
            pthread_mutex_unlock(lock)
            work(body, worker: 0)
            while busy.load(ordering: .acquiring) > 0 { sched_yield() }
            self.body = nil
            recorder?.lap(.waiting)
        }
    }

    private func work(_ body: (Int, Int) -> Void, worker: Int) {
        let recorder = recorder(worker)
        recorder?.lap(.waiting)
        while true {
            let task = next.add(1, ordering: .relaxed).oldValue
            if task >= taskCount { return }
            body(task, worker)
            recorder?.lap(.planning)
        }
    }

    private func serve(_ worker: Int) {
        WorkerPool.prepareThread()
        var seen = 0
        while true {
            // Phases follow each other within microseconds: look for a while before sleeping.
            var looks = 0
            while generation.load(ordering: .acquiring) == seen && looks < 2000 { looks += 1 }
            if generation.load(ordering: .acquiring) == seen {
                pthread_mutex_lock(lock)
                while generation.load(ordering: .acquiring) == seen {
                    pthread_cond_wait(wake, lock)
                }
                pthread_mutex_unlock(lock)
            }
            seen += 1
            if closing { return }
            if let body { work(body, worker: worker) }
            busy.subtract(1, ordering: .releasing)
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
