/// The pieces of a vocabulary, found by their UTF-8 bytes.
///
/// Open addressing with linear probing over at most half-full slots. A key of up to seven bytes is
/// kept in its slot whole, so that most lookups touch one cache line; of a longer one the slot has
/// the hash, and the bytes are compared when that agrees. Pieces that go on within a word (`##ing`)
/// are kept without their `##` as keys of another position, so that a word is looked up as it stands.
struct PieceTable: Sendable {
    /// Where in a word a piece may stand.
    enum Position: UInt64 {
        case first = 0
        case later = 0x80
    }

    struct Slot {
        /// See ``View/check(_:count:_:)``.
        var check: UInt64
        /// −1: empty.
        var id: Int32
    }

    /// All pieces' bytes end to end, as written; piece `i` is `starts[i]..<starts[i + 1]`. Behind
    /// them as many bytes as a read may go too far.
    private let bytes: [UInt8]
    private let starts: [Int]
    private let slots: [Slot]
    /// See ``View/lengths``.
    private let lengths: [UInt32]

    /// The length of the longest piece of all.
    let longest: Int

    /// The first pair of equal pieces, if there is one.
    let duplicate: (earlier: Int, later: Int)?

    /// - Parameters:
    ///   - bytes: all pieces end to end.
    ///   - starts: where each begins, and the end. `[pieces + 1]`
    init(bytes: [UInt8], starts: [Int]) {
        let bytes = bytes + repeatElement(0, count: View.overread)
        var capacity = 64
        while capacity < 2 * starts.count { capacity *= 2 }
        var slots = [Slot](repeating: Slot(check: 0, id: -1), count: capacity)
        var lengths = [UInt32](repeating: 0, count: 1 << View.lengthsBits)
        var longest = 0
        var duplicate: (Int, Int)?
        Self.withView(bytes, starts, &slots, &lengths) { view, slots, lengths in
            for id in 0..<(starts.count - 1) {
                let piece = UnsafeBufferPointer(
                    start: view.bytes + starts[id],
                    count: starts[id + 1] - starts[id]
                )
                let (position, key) = Self.key(of: piece)
                let count = key.count
                guard let start = key.baseAddress else { continue }
                let check = view.check(start, count: count, position)
                let slot = view.slot(of: check, start, count: count, position)
                if slots[slot].id >= 0 {
                    duplicate = (Int(slots[slot].id), id)
                    return
                }
                slots[slot] = Slot(check: check, id: Int32(id))
                longest = max(longest, count)
                if count >= 3 {
                    let group = View.group(View.load(start), position)
                    lengths[group] |= 1 << UInt32(min(count, View.longestNoted))
                }
            }
        }
        self.bytes = bytes
        self.starts = starts
        self.slots = slots
        self.lengths = lengths
        self.longest = longest
        self.duplicate = duplicate
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

    /// The id of a piece as it is written.
    func find(_ piece: String) -> Int32? {
        let written = Array(piece.utf8)
        let padded = written + repeatElement(0, count: View.overread)
        return padded.withUnsafeBufferPointer { padded in
            let (position, key) = Self.key(
                of: UnsafeBufferPointer(rebasing: padded[..<written.count])
            )
            guard let start = key.baseAddress else { return nil }
            let id = withView { $0.find(start, count: key.count, position) }
            return id >= 0 ? id : nil
        }
    }

    /// Calls `body` with the table's memory.
    @inline(__always)
    func withView<Result>(_ body: (View) -> Result) -> Result {
        bytes.withUnsafeBufferPointer { bytes in
            starts.withUnsafeBufferPointer { starts in
                slots.withUnsafeBufferPointer { slots in
                    lengths.withUnsafeBufferPointer { lengths in
                        // No array here is empty.
                        body(
                            View(
                                bytes: bytes.baseAddress.unsafelyUnwrapped,
                                starts: starts.baseAddress.unsafelyUnwrapped,
                                slots: slots.baseAddress.unsafelyUnwrapped,
                                mask: UInt64(slots.count - 1),
                                lengths: lengths.baseAddress.unsafelyUnwrapped,
                                longest: longest
                            )
                        )
                    }
                }
            }
        }
    }

    /// The same while the table is filled.
    private static func withView(
        _ bytes: [UInt8],
        _ starts: [Int],
        _ slots: inout [Slot],
        _ lengths: inout [UInt32],
        _ body: (
            View, UnsafeMutableBufferPointer<Slot>, UnsafeMutableBufferPointer<UInt32>
        ) -> Void
    ) {
        bytes.withUnsafeBufferPointer { bytes in
            starts.withUnsafeBufferPointer { starts in
                slots.withUnsafeMutableBufferPointer { slots in
                    lengths.withUnsafeMutableBufferPointer { lengths in
                        let view = View(
                            bytes: bytes.baseAddress.unsafelyUnwrapped,
                            starts: starts.baseAddress.unsafelyUnwrapped,
                            slots: UnsafePointer(slots.baseAddress.unsafelyUnwrapped),
                            mask: UInt64(slots.count - 1),
                            lengths: UnsafePointer(lengths.baseAddress.unsafelyUnwrapped),
                            longest: 0
                        )
                        body(view, slots, lengths)
                    }
                }
            }
        }
    }
}
