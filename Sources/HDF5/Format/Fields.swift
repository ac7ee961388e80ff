/// Bytes of a structure that are read from front to back, never past their end.
struct Fields {
    private let bytes: [UInt8]
    private let start: Int
    private(set) var position: Int
    private var end: Int
    private let what: String

    /// - Parameter what: what the bytes are, for sentences: `the local heap at 680`.
    init(_ bytes: [UInt8], _ what: String) {
        self.init(bytes, 0..<bytes.count, what)
    }

    private init(_ bytes: [UInt8], _ range: Range<Int>, _ what: String) {
        (self.bytes, self.what) = (bytes, what)
        (start, position, end) = (range.lowerBound, range.lowerBound, range.upperBound)
    }

    var remaining: Int { end - position }

    func damaged(_ reason: String) -> Damage { Damage("\(what) \(reason)") }

    mutating func skip(_ count: Int) throws(Damage) {
        guard count >= 0, count <= remaining else { throw damaged("ends too soon") }
        position += count
    }

    /// Little-endian, of at most eight bytes.
    mutating func number(_ count: Int) throws(Damage) -> UInt64 {
        guard (0...8).contains(count), count <= remaining else { throw damaged("ends too soon") }
        var value: UInt64 = 0
        for index in (0..<count).reversed() { value = value << 8 | UInt64(bytes[position + index]) }
        position += count
        return value
    }

    mutating func integer(_ count: Int) throws(Damage) -> Int {
        guard let value = Int(exactly: try number(count)) else {
            throw damaged("has a number that is too large")
        }
        return value
    }

    mutating func address() throws(Damage) -> UInt64 { try number(8) }

    /// Refuses what does not begin with these letters.
    mutating func signature(_ letters: StaticString) throws(Damage) {
        for index in 0..<letters.utf8CodeUnitCount {
            guard try number(1) == UInt64(letters.utf8Start[index]) else {
                throw damaged("does not begin with \(letters)")
            }
        }
    }

    mutating func version(_ known: Int) throws(Damage) {
        let version = try integer(1)
        guard version == known else { throw damaged("is of version \(version)") }
    }

    /// The next bytes on their own.
    mutating func part(_ count: Int, _ what: String) throws(Damage) -> Fields {
        let start = position
        try skip(count)
        return Fields(bytes, start..<position, what)
    }

    mutating func array(_ count: Int) throws(Damage) -> [UInt8] {
        let start = position
        try skip(count)
        return Array(bytes[start..<position])
    }

    /// Takes the last four bytes off, which are the checksum of all before them.
    mutating func verifyChecksum() throws(Damage) {
        guard remaining >= 4 else { throw damaged("ends too soon") }
        let stored = bytes[end - 4..<end].reversed().reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
        end -= 4
        guard Lookup3.checksum(bytes[start..<end]) == stored else {
            throw damaged("has another checksum")
        }
    }

    /// Compares the checksum that stands inside the bytes, and counts as zeros.
    func verifyChecksum(at place: Int) throws(Damage) {
        guard place >= 0, end - start >= place + 4 else { throw damaged("ends too soon") }
        var copy = bytes[start..<end]
        let range = start + place..<start + place + 4
        let stored = copy[range].reversed().reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
        copy.replaceSubrange(range, with: [0, 0, 0, 0])
        guard Lookup3.checksum(copy) == stored else { throw damaged("has another checksum") }
    }

    /// The bytes from a place on to the first zero; `nil` when there is none.
    func text(at place: UInt64) -> [UInt8]? {
        guard place < UInt64(end - start) else { return nil }
        let rest = bytes[start + Int(place)..<end]
        guard let zero = rest.firstIndex(of: 0) else { return nil }
        return Array(rest[..<zero])
    }

    /// The bytes from a place on.
    func part(at place: UInt64, count: UInt64, _ what: String) -> Fields? {
        let length = UInt64(end - start)
        guard place <= length, count <= length - place else { return nil }
        let from = start + Int(place)
        return Fields(bytes, from..<from + Int(count), what)
    }
}
