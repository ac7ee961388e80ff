import Glibc
import Kernels
import Synchronization
import Testing

@Suite struct WorkerPoolTests {
    @Test(arguments: [1, 2, 3, 8])
    func `every task runs once, and a worker one at a time`(_ workers: Int) {
        let pool = WorkerPool(workerCount: workers)
        // Many short rounds: threads must neither miss one nor serve one twice.
        for count in [0, 1, 2, 7, 100] + Array(repeating: 5, count: 300) {
            let runs = Tally(count)
            let busy = Tally(workers)
            let collisions = Atomic<Int>(0)
            pool.run(count) { task, worker in
                if busy.add(worker) != 1 { collisions.add(1, ordering: .relaxed) }
                runs.add(task)
                busy.subtract(worker)
            }
            #expect(runs.values == Array(repeating: 1, count: count))
            #expect(collisions.load(ordering: .relaxed) == 0)
        }
    }

    @Test(arguments: [2, 3, 16])
    func `what belongs to a phase may go when it returns`(_ workers: Int) {
        // More workers than processors and fewer tasks than workers: most wake when a phase is over,
        // and must not touch its closure, its count or its memory.
        let pool = WorkerPool(workerCount: workers)
        let late = Atomic<Int>(0)
        var wrong = 0
        for phase in 0..<20_000 {
            let count = 2 + phase % 5
            let places = UnsafeMutablePointer<Int>.allocate(capacity: count)
            places.initialize(repeating: -1, count: count)
            let current = Phase()
            pool.run(count) { task, worker in
                if current.isOver.load(ordering: .relaxed) { late.add(1, ordering: .relaxed) }
                // Now and then the others get a chance to join.
                if phase % 3 == 0 { sched_yield() }
                places[task] = phase &* 31 &+ task
                if worker >= workers { late.add(1, ordering: .relaxed) }
            }
            current.isOver.store(true, ordering: .relaxed)
            for task in 0..<count where places[task] != phase &* 31 &+ task { wrong += 1 }
            places.initialize(repeating: -2, count: count)
            places.deallocate()
        }
        #expect(wrong == 0)
        #expect(late.load(ordering: .relaxed) == 0)
    }

    @Test func `workers that sleep are woken, however long the pause`() {
        let pool = WorkerPool(workerCount: 4)
        for phase in 0..<400 {
            // Around the moment when workers stop looking and go to sleep, one phase after another.
            for _ in 0..<phase * 20 { _ = pool.workerCount }
            let meeting = Atomic<Int>(0)
            // Tasks that wait for each other: each needs a worker of its own.
            pool.run(4) { _, _ in
                meeting.add(1, ordering: .relaxed)
                while meeting.load(ordering: .relaxed) < 4 { sched_yield() }
            }
            #expect(meeting.load(ordering: .relaxed) == 4)
        }
    }

    @Test func `pools may work at the same time and go away`() async {
        await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let pool = WorkerPool(workerCount: 3)
                    let runs = Tally(50)
                    for _ in 0..<20 { pool.run(50) { task, _ in runs.add(task) } }
                    return runs.values.filter { $0 == 20 }.count
                }
            }
            for await full in group { #expect(full == 50) }
        }
    }

    @Test func `the caller's denormals are its own again afterwards`() {
        let pool = WorkerPool(workerCount: 2)
        pool.run(4) { _, _ in }
        #expect(Float(Float16(bitPattern: 1)) == 0x1p-24)
        #expect(Float.leastNonzeroMagnitude * 2 > 0)
    }
}

/// Something a closure keeps alive.
private final class Phase: Sendable {
    let isOver = Atomic<Bool>(false)
}

/// Counters that tasks may change at once.
private final class Tally: Sendable {
    private let counts: Mutex<[Int]>

    init(_ count: Int) { counts = Mutex([Int](repeating: 0, count: count)) }

    @discardableResult
    func add(_ index: Int) -> Int {
        counts.withLock {
            $0[index] += 1
            return $0[index]
        }
    }
    func subtract(_ index: Int) { counts.withLock { $0[index] -= 1 } }
    var values: [Int] { counts.withLock { $0 } }
}
