import Diagnostics

/// The bytes of a pickle, read from its file as they are asked for.
struct PickleInput {
    let file: OpenFile
    /// Which part of the file this is, for messages; `nil` for the file itself.
    let part: String?
    /// Where the part begins and ends in the file.
    let range: Range<Int>
    /// The next byte's place in the file.
    private(set) var position: Int
    private var window: [UInt8] = []
    private var windowStart: Int

    init(_ file: OpenFile, _ range: Range<Int>, part: String? = nil) {
        self.file = file
        self.part = part
        self.range = range
        position = range.lowerBound
        windowStart = range.lowerBound
    }

    /// A failure that names the place of the byte at `position`, by default the last one read.
    func problem(_ what: String, at position: Int? = nil, remedy: String? = nil) -> Failure {
        let offset = (position ?? max(range.lowerBound, self.position - 1)) - range.lowerBound
        let place = part.map { "\(printable($0)), byte \(offset)" } ?? "byte \(offset)"
        return Failure(.badData, file.path, "\(what) (at \(place))", remedy: remedy)
    }

    mutating func byte() throws(Failure) -> UInt8 {
        if position - windowStart >= window.count { try fill(1) }
        position += 1
        return window[position - 1 - windowStart]
    }

    mutating func bytes(_ count: Int) throws(Failure) -> ArraySlice<UInt8> {
        if position - windowStart > window.count - count { try fill(count) }
        position += count
        let end = position - windowStart
        return window[end - count..<end]
    }

    /// A little-endian number of up to eight bytes.
    mutating func number(_ count: Int) throws(Failure) -> UInt64 {
        try bytes(count).littleEndian
    }

    /// The bytes up to a line feed, which is passed.
    mutating func line(limit: Int) throws(Failure) -> [UInt8] {
        var line: [UInt8] = []
        while true {
            let byte = try byte()
            if byte == 0x0A { return line }
            guard line.count < limit else { throw problem("a name of more than \(limit) bytes") }
            line.append(byte)
        }
    }

    /// Passes bytes.
    mutating func skip(_ count: Int) throws(Failure) {
        guard count <= range.upperBound - position else { throw cutShort() }
        position += count
        window = []
        windowStart = position
    }

    private func cutShort() -> Failure {
        problem(
            "truncated: the pickle goes on after its last byte",
            at: range.upperBound,
            remedy: "Fetch or copy it again"
        )
    }

    /// Puts at least `count` bytes from `position` on into the window.
    private mutating func fill(_ count: Int) throws(Failure) {
        guard count <= range.upperBound - position else { throw cutShort() }
        let end = position + max(count, min(1 << 16, range.upperBound - position))
        window = try file.bytes(position..<end)
        windowStart = position
    }
}
