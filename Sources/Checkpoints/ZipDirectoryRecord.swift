import Diagnostics

/// One entry of a zip archive's directory.
struct ZipDirectoryRecord {
    let name: String
    let nameBytes: [UInt8]
    let flags: Int
    let method: Int
    let checksum: UInt32
    let storedByteCount: Int
    let byteCount: Int
    let localOffset: Int

    /// The directory's records by the place of their entries.
    static func all(_ file: OpenFile, _ end: ZipEnd) throws(Failure) -> [ZipDirectoryRecord] {
        let directory = try file.bytes(
            end.directoryOffset..<end.directoryOffset + end.directoryByteCount
        )
        var records: [ZipDirectoryRecord] = []
        var names: Set<String> = []
        var position = 0
        for _ in 0..<end.entryCount {
            let record = try ZipDirectoryRecord(directory, &position, file.path)
            guard names.insert(record.name).inserted else {
                throw Failure(
                    .badData,
                    file.path,
                    "the zip archive has the entry \"\(printable(record.name))\" twice"
                )
            }
            records.append(record)
        }
        guard position == directory.count else {
            throw Failure(
                .badData,
                file.path,
                "the zip archive's directory has \(directory.count - position) bytes after its "
                    + "\(end.entryCount) entries"
            )
        }
        return records.sorted { $0.localOffset < $1.localOffset }
    }

    /// Reads the record at `position` and moves past it.
    private init(
        _ directory: [UInt8],
        _ position: inout Int,
        _ path: String
    ) throws(Failure) {
        func refused(_ what: String) -> Failure { Failure(.badData, path, what) }
        let start = position
        guard directory.count - start >= 46, directory[start...].starts(with: [0x50, 0x4B, 1, 2])
        else { throw refused("the zip archive's directory has no entry at its byte \(start)") }
        func field(_ offset: Int, _ count: Int) -> Int {
            Int(directory[start + offset..<start + offset + count].littleEndian)
        }
        let (nameCount, extraCount, commentCount) = (field(28, 2), field(30, 2), field(32, 2))
        guard directory.count - start - 46 >= nameCount + extraCount + commentCount else {
            throw refused("the zip archive's directory is cut short at its byte \(start)")
        }
        nameBytes = Array(directory[start + 46..<start + 46 + nameCount])
        let extra = Array(directory[start + 46 + nameCount..<start + 46 + nameCount + extraCount])
        position = start + 46 + nameCount + extraCount + commentCount

        guard let name = String(validating: nameBytes, as: UTF8.self), Self.isPlainPath(name) else {
            throw refused(
                "the zip archive has an entry whose name is not a plain relative path: "
                    + "\"\(printable(String(decoding: nameBytes, as: UTF8.self)))\""
            )
        }
        self.name = name
        flags = field(8, 2)
        method = field(10, 2)
        checksum = UInt32(field(16, 4))
        // Bits 0, 6 and 13: encrypted, strongly, and with its directory.
        guard flags & 0x2041 == 0 else {
            throw refused("the zip archive's entry \"\(printable(name))\" is encrypted")
        }
        guard field(34, 2) == 0 || field(34, 2) == 0xFFFF else {
            throw refused("the zip archive's entry \"\(printable(name))\" is on another disk")
        }
        var wide = try Zip64Field(extra, name, path)
        byteCount = try wide.value(field(24, 4))
        storedByteCount = try wide.value(field(20, 4))
        localOffset = try wide.value(field(42, 4))
        guard method != 0 || byteCount == storedByteCount else {
            throw refused(
                "the zip archive's entry \"\(printable(name))\" is stored as it was, with "
                    + "\(storedByteCount) of \(byteCount) bytes"
            )
        }
    }

    private static func isPlainPath(_ name: String) -> Bool {
        var components = name.split(separator: "/", omittingEmptySubsequences: false)
        // A folder's name ends in a slash.
        if components.count > 1, components.last == "" { components.removeLast() }
        return name.utf8.count <= 1024
            && components.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
            && name.unicodeScalars.dropFirst().first != ":"
            && !name.unicodeScalars.contains { $0 == "\\" || $0.value < 0x20 }
    }

    /// The entry's place, by its own header, which must agree with this record.
    func entry(_ file: OpenFile, directoryOffset: Int) throws(Failure) -> ZipArchive.Entry {
        func refused(_ what: String) -> Failure {
            Failure(.badData, file.path, "the zip archive's entry \"\(printable(name))\" \(what)")
        }
        let headCount = 30 + nameBytes.count
        guard localOffset <= directoryOffset - headCount else {
            throw refused("begins at \(localOffset), inside the directory or after it")
        }
        let head = try file.bytes(localOffset..<localOffset + headCount)
        func field(_ offset: Int, _ count: Int) -> Int {
            Int(head[offset..<offset + count].littleEndian)
        }
        guard head.starts(with: [0x50, 0x4B, 3, 4]) else { throw refused("has no header") }
        guard field(26, 2) == nameBytes.count, head[30...] == nameBytes[...] else {
            throw refused("has another name in its header")
        }
        guard field(8, 2) == method, field(6, 2) & 0x2041 == 0 else {
            throw refused("has another method in its header")
        }
        let extraCount = field(28, 2)
        let offset = localOffset + headCount + extraCount
        guard offset <= directoryOffset, storedByteCount <= directoryOffset - offset else {
            throw refused(
                "of \(storedByteCount) bytes at \(offset) reaches into the directory at "
                    + "\(directoryOffset)"
            )
        }
        let extra = try file.bytes(offset - extraCount..<offset)
        var wide = try Zip64Field(extra, name, file.path)
        let sizes = [try wide.value(field(22, 4)), try wide.value(field(18, 4))]
        // Bit 3: sizes and checksum follow the bytes, and the header may have zeros.
        let isDeferred = field(6, 2) & 8 != 0
        let agrees =
            sizes == [byteCount, storedByteCount] && field(14, 4) == Int(checksum)
            || isDeferred && sizes == [0, 0] && field(14, 4) == 0
        guard agrees else { throw refused("has another size or checksum in its header") }
        return ZipArchive.Entry(
            name: name,
            offset: offset,
            storedByteCount: storedByteCount,
            byteCount: byteCount,
            checksum: checksum,
            method: method
        )
    }
}

/// Zip64's extra field: in their order, the eight-byte values of those fields that hold all ones.
private struct Zip64Field {
    private var values: [UInt8] = []
    private let name: String
    private let path: String

    init(_ extra: [UInt8], _ name: String, _ path: String) throws(Failure) {
        (self.name, self.path) = (name, path)
        var position = 0
        // What follows the last whole field is padding, which some writers align with.
        while position + 4 <= extra.count {
            let count = Int(extra[position + 2..<position + 4].littleEndian)
            guard count <= extra.count - position - 4 else { break }
            if extra[position] == 1, extra[position + 1] == 0 {
                values = Array(extra[position + 4..<position + 4 + count])
                return
            }
            position += 4 + count
        }
    }

    /// What a field of four bytes stands for.
    mutating func value(_ field: Int) throws(Failure) -> Int {
        guard field == 0xFFFF_FFFF else { return field }
        guard values.count >= 8, let value = Int(exactly: values[..<8].littleEndian) else {
            throw Failure(
                .badData,
                path,
                "the zip archive's entry \"\(printable(name))\" has a size that is not there"
            )
        }
        values.removeFirst(8)
        return value
    }
}
