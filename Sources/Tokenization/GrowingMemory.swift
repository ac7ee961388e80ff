/// Memory for elements without a life of their own, used again and again and never smaller.
struct GrowingMemory<Element: BitwiseCopyable>: ~Copyable {
    private(set) var start: UnsafeMutablePointer<Element>
    private(set) var capacity: Int

    init(capacity: Int) {
        start = .allocate(capacity: capacity)
        self.capacity = capacity
    }

    /// Makes room for so many elements, keeping the first `count`.
    @inline(__always)
    mutating func reserve(_ wanted: Int, keeping count: Int) {
        if wanted > capacity { grow(wanted, keeping: count) }
    }

    @inline(never)
    private mutating func grow(_ wanted: Int, keeping count: Int) {
        let larger = max(wanted, 2 * capacity)
        let moved = UnsafeMutablePointer<Element>.allocate(capacity: larger)
        moved.update(from: start, count: count)
        start.deallocate()
        start = moved
        capacity = larger
    }

    deinit { start.deallocate() }
}
