import Foundation
import HDF5

/// The bytes of a good HDF5 file, to be changed field by field.
struct PatchedFile {
    private(set) var bytes: [UInt8]
    /// Where structures with checksums lie, and where in each the checksum is.
    let checksummed: [(range: Range<Int>, checksum: Int)]

    init(_ url: URL) throws {
        bytes = [UInt8](try Data(contentsOf: url))
        checksummed = Self.checksummed(bytes)
    }

    /// Where some letters stand for the `number`th time, from 0.
    func place(of letters: String, _ number: Int = 0) -> Int {
        var left = number
        let wanted = Array(letters.utf8)
        for start in 0..<bytes.count - wanted.count
        where bytes[start] == wanted[0] && bytes[start...].starts(with: wanted) {
            if left == 0 { return start }
            left -= 1
        }
        preconditionFailure("there is no \(letters)")
    }

    func number(at place: Int, _ width: Int) -> UInt64 {
        bytes[place..<place + width].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Writes a little-endian number.
    mutating func put(_ value: UInt64, at place: Int, _ width: Int) {
        for index in 0..<min(width, bytes.count - place) {
            bytes[place + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
        }
    }

    mutating func put(_ text: String, at place: Int) {
        for (index, byte) in text.utf8.enumerated() { bytes[place + index] = byte }
    }

    mutating func cut(to count: Int) { bytes.removeSubrange(min(count, bytes.count)...) }

    mutating func flip(_ place: Int, bit: UInt8) { bytes[place] ^= 1 << bit }

    /// Makes every checksum that of its bytes.
    mutating func repair() {
        for (range, place) in checksummed where range.upperBound <= bytes.count {
            put(UInt64(Self.sum(bytes, range, place)), at: place, 4)
        }
    }

    /// The body of the first message of a kind in an old object header.
    func message(_ kind: UInt64, ofHeaderAt header: Int) -> Int {
        var place = header + 16
        for _ in 0..<number(at: header + 2, 2) {
            if number(at: place, 2) == kind { return place + 8 }
            place += 8 + Int(number(at: place + 2, 2))
        }
        preconditionFailure("there is no message \(kind)")
    }

    private static func sum(_ bytes: [UInt8], _ range: Range<Int>, _ place: Int) -> UInt32 {
        if place + 4 == range.upperBound {
            return Lookup3.checksum(bytes[range.lowerBound..<place])
        }
        // The checksum of a fractal heap's block stands inside, and counts as zeros.
        var copy = bytes[range]
        copy.replaceSubrange(place..<place + 4, with: [0, 0, 0, 0])
        return Lookup3.checksum(copy)
    }

    /// Found by trying: a structure ends where its checksum is that of all before.
    private static func checksummed(_ bytes: [UInt8]) -> [(range: Range<Int>, checksum: Int)] {
        let longest = 1500
        let signatures = [
            "\u{89}HDF", "OHDR", "OCHK", "BTHD", "BTLF", "BTIN", "FRHP", "FHIB", "FAHD", "FADB",
            "EAHD", "EAIB", "EASB", "EADB",
        ].map { $0.unicodeScalars.map { UInt8($0.value) } }
        var found: [(range: Range<Int>, checksum: Int)] = []
        func isSum(_ range: Range<Int>, _ place: Int) -> Bool {
            let stored = bytes[place..<place + 4].reversed().reduce(0 as UInt32) {
                $0 << 8 | UInt32($1)
            }
            return sum(bytes, range, place) == stored
        }
        for start in 0..<max(0, bytes.count - 8) {
            if bytes[start...].starts(with: "FHDB".utf8) {
                for (width, size) in [4, 5].flatMap({ width in (8...16).map { (width, 1 << $0) } })
                where start + size <= bytes.count
                    && isSum(start..<start + size, start + 13 + width)
                {
                    found.append((start..<start + size, start + 13 + width))
                }
            } else if signatures.contains(where: { bytes[start...].starts(with: $0) }) {
                let ends = start + 8..<min(start + longest, bytes.count - 3)
                guard let end = ends.first(where: { isSum(start..<$0 + 4, $0) }) else { continue }
                found.append((start..<end + 4, end))
            }
        }
        return found
    }
}
