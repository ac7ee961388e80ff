import Diagnostics

/// What the end of a zip archive says about its directory, checked against the file.
struct ZipEnd {
    static let maximumEntryCount = 100_000
    static let maximumDirectoryByteCount = 64 << 20

    let directoryOffset: Int
    let directoryByteCount: Int
    let entryCount: Int

    init(_ file: OpenFile) throws(Failure) {
        func refused(_ what: String, remedy: String? = nil) -> Failure {
            Failure(.badData, file.path, what, remedy: remedy)
        }
        let recordCount = 22
        let tailStart = max(0, file.byteCount - recordCount - 0xFFFF)
        let tail = try file.bytes(tailStart..<file.byteCount)
        guard let place = Self.endRecord(in: tail) else {
            throw refused(
                "truncated: the zip archive has no directory at its end",
                remedy: "Fetch or copy it again"
            )
        }
        let record = Array(tail[place..<place + recordCount])
        func field(_ offset: Int, _ count: Int) -> Int {
            Int(record[offset..<offset + count].littleEndian)
        }
        var end = tailStart + place
        var disks = [field(4, 2), field(6, 2)]
        var counts: [UInt64] = [UInt64(field(8, 2)), UInt64(field(10, 2))]
        var byteCount = UInt64(field(12, 4))
        var offset = UInt64(field(16, 4))
        if let (position, wide) = try Self.zip64Record(file, before: end) {
            // Each field that has room is the same in both records.
            guard [0xFFFF, wide[24..<32].littleEndian].contains(counts[0]),
                [0xFFFF, wide[32..<40].littleEndian].contains(counts[1]),
                [0xFFFF_FFFF, wide[40..<48].littleEndian].contains(byteCount),
                [0xFFFF_FFFF, wide[48..<56].littleEndian].contains(offset)
            else { throw refused("the zip archive's two end records contradict each other") }
            disks = [Int(wide[16..<20].littleEndian), Int(wide[20..<24].littleEndian)]
            counts = [wide[24..<32].littleEndian, wide[32..<40].littleEndian]
            byteCount = wide[40..<48].littleEndian
            offset = wide[48..<56].littleEndian
            end = position
        }
        guard disks == [0, 0], counts[0] == counts[1] else {
            throw refused("this is one part of a zip archive of several")
        }
        guard counts[0] <= UInt64(Self.maximumEntryCount) else {
            throw refused(
                "the zip archive has \(counts[0]) entries, more than \(Self.maximumEntryCount)"
            )
        }
        guard byteCount <= UInt64(Self.maximumDirectoryByteCount) else {
            throw refused(
                "the zip archive's directory has \(byteCount) bytes, more than "
                    + "\(Self.maximumDirectoryByteCount)"
            )
        }
        guard offset <= UInt64(end), UInt64(end) - offset == byteCount else {
            throw refused(
                "the zip archive's directory of \(byteCount) bytes at \(offset) does not end where "
                    + "the end record begins, at \(end)"
            )
        }
        (directoryOffset, directoryByteCount) = (Int(offset), Int(byteCount))
        entryCount = Int(counts[0])
    }

    /// The last end record whose comment ends with the file.
    private static func endRecord(in tail: [UInt8]) -> Int? {
        var place = tail.count - 22
        while place >= 0 {
            if tail[place] == 0x50, tail[place + 1] == 0x4B, tail[place + 2] == 5,
                tail[place + 3] == 6,
                Int(tail[place + 20..<place + 22].littleEndian) == tail.count - place - 22
            {
                return place
            }
            place -= 1
        }
        return nil
    }

    /// Zip64's end record and its place, when a locator stands before the end record at `end`.
    private static func zip64Record(
        _ file: OpenFile,
        before end: Int
    ) throws(Failure) -> (position: Int, bytes: [UInt8])? {
        let (locatorCount, recordCount) = (20, 56)
        guard end >= locatorCount else { return nil }
        let locator = try file.bytes(end - locatorCount..<end)
        guard locator.starts(with: [0x50, 0x4B, 6, 7]) else { return nil }
        let declared = locator[8..<16].littleEndian
        guard let position = Int(exactly: declared), end >= locatorCount + recordCount,
            position == end - locatorCount - recordCount
        else {
            throw Failure(
                .badData,
                file.path,
                "the zip archive's zip64 record is at \(declared), not just before its locator"
            )
        }
        let bytes = try file.bytes(position..<position + recordCount)
        guard bytes.starts(with: [0x50, 0x4B, 6, 6]),
            bytes[4..<12].littleEndian == UInt64(recordCount - 12)
        else {
            throw Failure(.badData, file.path, "the zip archive has no zip64 record at \(position)")
        }
        return (position, bytes)
    }
}
