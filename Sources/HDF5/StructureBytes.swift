import Diagnostics
import Glibc

/// What is wrong with a file's structure, as the end of a sentence about the file.
struct Damage: Error {
    let what: String
    /// Whether the file is whole, and has something that a weights file does not.
    let isRefusal: Bool

    init(_ what: String, isRefusal: Bool = false) {
        (self.what, self.isRefusal) = (what, isRefusal)
    }
}

/// The file's bytes by address, for the structure's check: nothing outside the file is ever read.
struct StructureFile: ~Copyable {
    private let descriptor: Int32
    /// What addresses are relative to.
    let base: UInt64
    /// The bytes from the base on.
    let byteCount: UInt64

    init(_ descriptor: Int32, base: UInt64, byteCount: UInt64) {
        (self.descriptor, self.base, self.byteCount) = (descriptor, base, byteCount)
    }

    /// Whether a stretch lies in the file.
    func holds(_ address: UInt64, _ count: UInt64) -> Bool {
        address <= byteCount && count <= byteCount - address
    }

    /// The bytes of a stretch that is small because its kind is.
    func bytes(_ address: UInt64, _ count: Int, _ what: String) throws(Damage) -> StructureBytes {
        guard count >= 0, holds(address, UInt64(count)) else {
            throw Damage("\(what) at \(address) reaches past the end of the file")
        }
        var buffer = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let answer = buffer.withUnsafeMutableBytes {
                pread(
                    descriptor,
                    $0.baseAddress.map { $0 + filled },
                    count - filled,
                    off_t(base + address) + off_t(filled)
                )
            }
            if answer < 0 && errno == EINTR { continue }
            guard answer > 0 else { throw Damage("\(what) at \(address) cannot be read") }
            filled += answer
        }
        return StructureBytes(buffer, what)
    }
}

/// Bytes that are read from front to back, never past their end.
struct StructureBytes {
    private let bytes: [UInt8]
    private(set) var position: Int
    private let end: Int
    private let what: String

    init(_ bytes: [UInt8], _ what: String) {
        self.init(bytes, 0..<bytes.count, what)
    }

    private init(_ bytes: [UInt8], _ range: Range<Int>, _ what: String) {
        (self.bytes, self.what) = (bytes, what)
        (position, end) = (range.lowerBound, range.upperBound)
    }

    var remaining: Int { end - position }

    func damaged(_ reason: String) -> Damage { Damage("\(what) \(reason)") }

    mutating func skip(_ count: Int) throws(Damage) {
        guard count >= 0, count <= remaining else { throw damaged("ends too soon") }
        position += count
    }

    /// Little-endian.
    mutating func number(_ count: Int) throws(Damage) -> UInt64 {
        guard count <= remaining else { throw damaged("ends too soon") }
        var value: UInt64 = 0
        for index in (0..<count).reversed() { value = value << 8 | UInt64(bytes[position + index]) }
        position += count
        return value
    }

    /// A number of at most four bytes.
    mutating func small(_ count: Int) throws(Damage) -> Int {
        precondition(count <= 4)
        return Int(try number(count))
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

    /// The next bytes on their own.
    mutating func part(_ count: Int, _ what: String) throws(Damage) -> StructureBytes {
        let start = position
        try skip(count)
        return StructureBytes(bytes, start..<position, what)
    }

    /// Passes over a text that ends with a zero byte.
    mutating func text() throws(Damage) {
        guard let zero = bytes[position..<end].firstIndex(of: 0) else {
            throw damaged("has a name without an end")
        }
        position = zero + 1
    }

    /// Whether from a place a text begins and ends.
    func holdsText(at place: UInt64) -> Bool {
        guard place < UInt64(end) else { return false }
        return bytes[Int(place)..<end].contains(0)
    }

    /// The text from a place on, as far as it can be shown.
    func text(at place: UInt64) -> String {
        guard holdsText(at: place) else { return "" }
        return String(decoding: bytes[Int(place)..<end].prefix { $0 != 0 }, as: UTF8.self)
    }

    /// Passes over bytes up to a multiple of eight from `start` on.
    mutating func align(from start: Int) throws(Damage) {
        try skip((8 - (position - start) % 8) % 8)
    }
}
