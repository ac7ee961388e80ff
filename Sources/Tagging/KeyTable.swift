/// Finds the place of a key in a list: open addressing, half of the slots empty.
struct KeyTable: Sendable {
    /// A key above, its place plus 1 below; 0 where there is none.
    private let slots: [UInt64]

    /// - Parameter keys: all different, fewer than 2³¹.
    init(_ keys: [UInt32]) {
        var capacity = 16
        while capacity < 2 * keys.count { capacity *= 2 }
        var slots = [UInt64](repeating: 0, count: capacity)
        for (place, key) in keys.enumerated() {
            var slot = Int(key) & (capacity - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (capacity - 1) }
            slots[slot] = UInt64(key) << 32 | UInt64(place + 1)
        }
        self.slots = slots
    }

    /// The key's place in the list plus 1, or 0.
    @inline(__always)
    func number(of key: UInt32) -> Int {
        slots.withUnsafeBufferPointer { slots in
            var slot = Int(key) & (slots.count - 1)
            while true {
                let found = slots[slot]
                if UInt32(truncatingIfNeeded: found >> 32) == key || found == 0 {
                    return Int(truncatingIfNeeded: found & 0xFFFF_FFFF)
                }
                slot = (slot + 1) & (slots.count - 1)
            }
        }
    }
}
