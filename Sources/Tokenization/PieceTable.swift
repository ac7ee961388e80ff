/// The pieces of a vocabulary, found by their UTF-8 bytes.
///
/// Open addressing with linear probing over at most half-full slots. A slot holds an id and the
/// upper half of the piece's hash; the bytes are compared only when those agree. Pieces that go on
/// within a word (`##ing`) are kept without their `##` under another seed, so that a word is
/// looked up as it stands and the hash of a prefix is a step on the way to the hash of the whole.
struct PieceTable: Sendable {
    /// Where in a word a piece may stand.
    enum Position { case first, later }

    private struct Slot {
        var tag: UInt32
        /// −1: empty.
        var id: Int32
    }

    /// All pieces' bytes end to end, as written; piece `i` is `starts[i]..<starts[i + 1]`.
    private let bytes: [UInt8]
    private let starts: [Int]
    private var slots: [Slot]
    private let mask: UInt64
    /// For each first byte the length of the longest piece, for both positions.
    private var longestFirst = [Int](repeating: 0, count: 256)
    private var longestLater = [Int](repeating: 0, count: 256)

    /// The length of the longest piece of all.
    private(set) var longest = 0

    /// The first pair of equal pieces, if there is one.
    private(set) var duplicate: (earlier: Int, later: Int)?

    init(bytes: [UInt8], starts: [Int]) {
        self.bytes = bytes
        self.starts = starts
        var capacity = 64
        while capacity < 2 * starts.count { capacity *= 2 }
        slots = Array(repeating: Slot(tag: 0, id: -1), count: capacity)
        mask = UInt64(capacity - 1)
        bytes.withUnsafeBufferPointer { bytes in
            for id in 0..<(starts.count - 1) where duplicate == nil {
                insert(id, UnsafeBufferPointer(rebasing: bytes[starts[id]..<starts[id + 1]]))
            }
        }
    }

    private mutating func insert(_ id: Int, _ piece: UnsafeBufferPointer<UInt8>) {
        let (position, key) = Self.key(of: piece)
        if let earlier = find(key, position, hash: Self.hash(key, position)) {
            duplicate = (Int(earlier), id)
            return
        }
        longest = max(longest, key.count)
        if let lead = key.first {
            switch position {
            case .first: longestFirst[Int(lead)] = max(longestFirst[Int(lead)], key.count)
            case .later: longestLater[Int(lead)] = max(longestLater[Int(lead)], key.count)
            }
        }
        let hash = Self.mixed(Self.hash(key, position))
        var slot = Int(hash & mask)
        while slots[slot].id >= 0 { slot = (slot + 1) & Int(mask) }
        slots[slot] = Slot(tag: UInt32(hash >> 32), id: Int32(id))
    }

    /// A piece's position and its bytes there. `##` alone has nothing to go on with.
    static func key(
        of piece: UnsafeBufferPointer<UInt8>
    ) -> (position: Position, bytes: UnsafeBufferPointer<UInt8>) {
        let hashSign = UInt8(ascii: "#")
        guard piece.count > 2, piece[0] == hashSign, piece[1] == hashSign else {
            return (.first, piece)
        }
        return (.later, UnsafeBufferPointer(rebasing: piece[2...]))
    }

    /// The length of the longest piece that begins with a byte.
    @inline(__always)
    func longest(_ position: Position, lead: UInt8) -> Int {
        position == .first ? longestFirst[Int(lead)] : longestLater[Int(lead)]
    }

    /// The id of the piece with these bytes, whose hash the caller has.
    @inline(__always)
    func find(
        _ key: UnsafeBufferPointer<UInt8>,
        _ position: Position,
        hash: UInt64
    ) -> Int32? {
        let hash = Self.mixed(hash)
        let tag = UInt32(hash >> 32)
        var slot = Int(hash & mask)
        while true {
            let found = slots[slot]
            if found.id < 0 { return nil }
            if found.tag == tag, isPiece(Int(found.id), key, position) { return found.id }
            slot = (slot + 1) & Int(mask)
        }
    }

    @inline(__always)
    private func isPiece(
        _ id: Int,
        _ key: UnsafeBufferPointer<UInt8>,
        _ position: Position
    ) -> Bool {
        let start = starts[id] + (position == .later ? 2 : 0)
        guard starts[id + 1] - start == key.count else { return false }
        for at in 0..<key.count where bytes[start + at] != key[at] { return false }
        return position == .later || !goesOn(id)
    }

    /// Whether the piece is one of the second position, whose bytes begin with `##`.
    private func goesOn(_ id: Int) -> Bool {
        let start = starts[id]
        let hashSign = UInt8(ascii: "#")
        return starts[id + 1] - start > 2 && bytes[start] == hashSign
            && bytes[start + 1] == hashSign
    }
}

extension PieceTable {
    /// The hash of no bytes (FNV-1a; the second seed is the first one's complement).
    @inline(__always)
    static func seed(_ position: Position) -> UInt64 {
        position == .first ? 0xCBF2_9CE4_8422_2325 : ~0xCBF2_9CE4_8422_2325
    }

    /// The hash of the bytes so far and one more.
    @inline(__always)
    static func step(_ hash: UInt64, _ byte: UInt8) -> UInt64 {
        (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }

    static func hash(_ key: UnsafeBufferPointer<UInt8>, _ position: Position) -> UInt64 {
        key.reduce(seed(position), step)
    }

    @inline(__always)
    private static func mixed(_ hash: UInt64) -> UInt64 { hash ^ hash >> 29 }
}
