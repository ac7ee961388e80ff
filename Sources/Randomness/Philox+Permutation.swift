extension Philox {
    /// A number in 0..<`bound`, each equally likely.
    ///
    /// - Source: Lemire 2019, "Fast random integer generation in an interval": the high half of a
    ///   product, redrawn in the few cases that would favour some numbers.
    public mutating func nextBelow(_ bound: UInt32) -> UInt32 {
        precondition(bound > 0)
        var product = UInt64(nextWord()) * UInt64(bound)
        if UInt32(truncatingIfNeeded: product) < bound {
            let threshold = (0 &- bound) % bound
            while UInt32(truncatingIfNeeded: product) < threshold {
                product = UInt64(nextWord()) * UInt64(bound)
            }
        }
        return UInt32(product >> 32)
    }

    /// The numbers below `count` in a random order, each order equally likely.
    ///
    /// - Source: Fisher and Yates's shuffle from the end (Durstenfeld 1964, algorithm 235).
    public mutating func permutation(of count: Int) -> [Int] {
        precondition(count <= Int(UInt32.max), "more numbers than a draw can tell apart")
        var order = Array(0..<count)
        for last in stride(from: count - 1, to: 0, by: -1) {
            order.swapAt(last, Int(nextBelow(UInt32(last + 1))))
        }
        return order
    }
}
