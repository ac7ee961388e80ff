/// The highest of many values, without sorting them: of each class the best, and no more than so many
/// classes.
///
/// Of equal values the earlier index is higher, so that the result has one order.
struct TopSelection {
    let capacity: Int
    /// The highest first.
    private(set) var entries: [(value: Float, index: Int32, key: Int32)] = []
    /// What a value has to exceed.
    private var threshold = -Float.infinity

    init(capacity: Int) {
        precondition(capacity > 0)
        self.capacity = capacity
        entries.reserveCapacity(capacity + 1)
    }

    mutating func clear() {
        entries.removeAll(keepingCapacity: true)
        threshold = -.infinity
    }

    /// Looks through values that follow those of earlier calls.
    ///
    /// - Parameters:
    ///   - first: the index of the first value.
    ///   - keys: by index, the value's class; a negative one is never taken.
    ///   - excluded: a class that is not taken either.
    mutating func scan(
        _ values: UnsafePointer<Float>,
        count: Int,
        first: Int,
        keys: [Int32],
        excluding excluded: Int32
    ) {
        precondition(first >= 0 && first + count <= keys.count, "a class for each value")
        let width = 16
        let raw = UnsafeRawPointer(values)
        var index = 0
        while index + width <= count {
            let block = raw.loadUnaligned(fromByteOffset: 4 * index, as: SIMD16<Float>.self)
            // Hardly a block has a value that is higher than so many before it.
            if any(block .> SIMD16(repeating: threshold)) {
                for place in index..<index + width {
                    offer(values[place], first + place, keys[first + place], excluded)
                }
            }
            index += width
        }
        while index < count {
            offer(values[index], first + index, keys[first + index], excluded)
            index += 1
        }
    }

    private mutating func offer(_ value: Float, _ index: Int, _ key: Int32, _ excluded: Int32) {
        guard value > threshold, key >= 0, key != excluded else { return }
        if let same = entries.firstIndex(where: { $0.key == key }) {
            guard value > entries[same].value else { return }
            entries.remove(at: same)
        }
        var place = entries.count
        while place > 0, entries[place - 1].value < value { place -= 1 }
        entries.insert((value, Int32(index), key), at: place)
        if entries.count > capacity { entries.removeLast() }
        if entries.count == capacity { threshold = entries[capacity - 1].value }
    }
}
