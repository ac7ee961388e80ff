extension PieceTable {
    /// The table's memory while it is looked into. Keys are read eight bytes at a time: behind each
    /// there are `overread` bytes to read, whatever they are.
    struct View {
        let bytes: UnsafePointer<UInt8>
        let starts: UnsafePointer<Int>
        let slots: UnsafePointer<Slot>
        let mask: UInt64
        /// For each group of keys of three bytes and more, by position and first three bytes: which
        /// lengths occur, bit n for n bytes and the last bit for `longestNoted` and more.
        let lengths: UnsafePointer<UInt32>
        let longest: Int

        static let overread = 8
        static let lengthsBits: UInt64 = 13
        static let longestNoted = 31
    }
}

extension PieceTable.View {
    /// A number that tells keys apart. Up to seven bytes: the bytes, and on top the length and the
    /// position, so that equal numbers are equal keys. More: a hash with ``longMark``.
    @inline(__always)
    func check(
        _ key: UnsafePointer<UInt8>,
        count: Int,
        _ position: PieceTable.Position
    ) -> UInt64 {
        if count < 8 {
            return Self.check(short: Self.load(key) & Self.mask(count), count: count, position)
        }
        var hash = Self.seed(position)
        for block in 0..<(count >> 3) { hash = Self.step(hash, Self.load(key + 8 * block)) }
        return Self.check(hash, tail: Self.load(key + (count & ~7)), count: count)
    }

    /// - Parameter short: the bytes of the key, zero behind them.
    @inline(__always)
    static func check(short: UInt64, count: Int, _ position: PieceTable.Position) -> UInt64 {
        short | (UInt64(truncatingIfNeeded: count) | position.rawValue) << 56
    }

    /// The number of a long key, from the hash of its whole blocks and what follows these.
    @inline(__always)
    static func check(_ blocks: UInt64, tail: UInt64, count: Int) -> UInt64 {
        let rest = tail & mask(count & 7) | UInt64(truncatingIfNeeded: count) << 56
        return step(blocks, rest) | longMark
    }

    /// No short key's number has this bit.
    static let longMark: UInt64 = 1 << 62

    /// The hash of no block.
    @inline(__always)
    static func seed(_ position: PieceTable.Position) -> UInt64 {
        position == .first ? 0xCBF2_9CE4_8422_2325 : ~0xCBF2_9CE4_8422_2325
    }

    /// The hash of the blocks so far and one more.
    @inline(__always)
    static func step(_ hash: UInt64, _ block: UInt64) -> UInt64 { mixed(hash ^ block) }

    /// Both halves of the product folded together, as in wyhash.
    @inline(__always)
    static func mixed(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }

    /// Eight bytes, the first one lowest.
    @inline(__always)
    static func load(_ place: UnsafePointer<UInt8>) -> UInt64 {
        UInt64(littleEndian: UnsafeRawPointer(place).loadUnaligned(as: UInt64.self))
    }

    /// Ones for the first bytes of a block, at most seven.
    @inline(__always)
    static func mask(_ count: Int) -> UInt64 { 1 &<< (8 &* UInt64(truncatingIfNeeded: count)) &- 1 }

    /// The group of a key for `lengths`, from its first block.
    @inline(__always)
    static func group(_ block: UInt64, _ position: PieceTable.Position) -> Int {
        Int(mixed(block & 0xFF_FFFF | position.rawValue << 24) >> (64 - lengthsBits))
    }
}

extension PieceTable.View {
    /// The id of the piece with these bytes; −1 if there is none.
    @inline(__always)
    func find(
        _ key: UnsafePointer<UInt8>,
        count: Int,
        _ position: PieceTable.Position
    ) -> Int32 {
        find(check(key, count: count, position), key, count: count, position)
    }

    /// The same for a key whose number the caller has.
    @inline(__always)
    func find(
        _ check: UInt64,
        _ key: UnsafePointer<UInt8>,
        count: Int,
        _ position: PieceTable.Position
    ) -> Int32 {
        slots[slot(of: check, key, count: count, position)].id
    }

    /// The id of the short piece with this number; −1 if there is none.
    @inline(__always)
    func find(short check: UInt64) -> Int32 {
        var slot = Self.mixed(check) & mask
        while true {
            let found = slots[Int(truncatingIfNeeded: slot)]
            if found.check == check || found.id < 0 { return found.id }
            slot = (slot + 1) & mask
        }
    }

    /// The slot that has a key, or the empty one where it would be.
    @inline(__always)
    func slot(
        of check: UInt64,
        _ key: UnsafePointer<UInt8>,
        count: Int,
        _ position: PieceTable.Position
    ) -> Int {
        var slot = Self.mixed(check) & mask
        while true {
            let found = slots[Int(truncatingIfNeeded: slot)]
            let isSame =
                found.check == check
                && (count < 8 || isPiece(Int(found.id), key, count, position))
            if found.id < 0 || isSame { return Int(truncatingIfNeeded: slot) }
            slot = (slot + 1) & mask
        }
    }

    private func isPiece(
        _ id: Int,
        _ key: UnsafePointer<UInt8>,
        _ count: Int,
        _ position: PieceTable.Position
    ) -> Bool {
        let piece = UnsafeBufferPointer(
            start: bytes + starts[id],
            count: starts[id + 1] - starts[id]
        )
        let (foundPosition, found) = PieceTable.key(of: piece)
        return foundPosition == position
            && found.elementsEqual(UnsafeBufferPointer(start: key, count: count))
    }
}

extension PieceTable.View {
    /// The longest piece that a key begins with, and its length; −1 and 0 if there is none.
    ///
    /// - Parameter chain: one value for each eight bytes that a piece may have.
    @inline(__always)
    func longestPiece(
        _ key: UnsafePointer<UInt8>,
        count: Int,
        _ position: PieceTable.Position,
        chain: UnsafeMutablePointer<UInt64>
    ) -> (id: Int32, length: Int) {
        let block = Self.load(key)
        if count >= 3 {
            var candidates = lengths[Self.group(block, position)]
            if count < Self.longestNoted {
                candidates &= 1 << UInt32(truncatingIfNeeded: count + 1) &- 1
            } else if candidates >> UInt32(Self.longestNoted) != 0 {
                let found = longestOfMany(key, count: count, position, chain: chain)
                if found.id >= 0 { return found }
                candidates &= ~(1 << UInt32(Self.longestNoted))
            }
            while candidates != 0 {
                let length = 31 - candidates.leadingZeroBitCount
                candidates &= ~(1 << UInt32(truncatingIfNeeded: length))
                let id =
                    length < 8
                    ? find(short: short(block, length, position))
                    : find(key, count: length, position)
                if id >= 0 { return (id, length) }
            }
        }
        if count >= 2 {
            let id = find(short: short(block, 2, position))
            if id >= 0 { return (id, 2) }
        }
        let id = find(short: short(block, 1, position))
        return (id, id >= 0 ? 1 : 0)
    }

    @inline(__always)
    private func short(
        _ block: UInt64,
        _ count: Int,
        _ position: PieceTable.Position
    ) -> UInt64 {
        Self.check(short: block & Self.mask(count), count: count, position)
    }

    /// The same among pieces of `longestNoted` bytes and more. The hashes of all prefixes come from
    /// those of their blocks, so that the time is that of the longest piece, not its square.
    private func longestOfMany(
        _ key: UnsafePointer<UInt8>,
        count: Int,
        _ position: PieceTable.Position,
        chain: UnsafeMutablePointer<UInt64>
    ) -> (id: Int32, length: Int) {
        let limit = min(count, longest)
        var hash = Self.seed(position)
        chain[0] = hash
        for block in 0..<(limit >> 3) {
            hash = Self.step(hash, Self.load(key + 8 * block))
            chain[block + 1] = hash
        }
        for length in stride(from: limit, through: Self.longestNoted, by: -1) {
            let tail = Self.load(key + (length & ~7))
            let check = Self.check(chain[length >> 3], tail: tail, count: length)
            let id = find(check, key, count: length, position)
            if id >= 0 { return (id, length) }
        }
        return (-1, 0)
    }
}
