public import Diagnostics

/// The entries of a zip archive: where each lies, checked against the file and against each other.
///
/// Source: PKWARE's APPNOTE 6.3.10, of which this reads what PyTorch and Keras write: one disk, no
/// encryption, zip64 where needed. Nothing is unpacked: the entries of both are stored as they are.
public struct ZipArchive: Sendable {
    public struct Entry: Sendable, Hashable {
        /// A relative path of plain components, separated by slashes.
        public let name: String
        /// Where the entry's bytes begin in the file.
        public let offset: Int
        /// Of what is in the archive.
        public let storedByteCount: Int
        /// Of what was put into it.
        public let byteCount: Int
        /// CRC-32 of what was put into it.
        public let checksum: UInt32
        /// 0 for what is stored as it was.
        let method: Int

        /// Whether the bytes in the file are the entry's.
        public var isStored: Bool { method == 0 }
    }

    public let file: OpenFile
    /// In the order of their bytes; folders are left out.
    public let entries: [Entry]
    private let places: [String: Int]

    /// Reads the directory of an archive and the header of every entry.
    ///
    /// Throws `badData` when they contradict each other or the file.
    public init(_ file: OpenFile) throws(Failure) {
        self.file = file
        let end = try ZipEnd(file)
        var found: [Entry] = []
        var position = 0
        for record in try ZipDirectoryRecord.all(file, end) {
            let name = printable(record.name)
            guard record.localOffset >= position else {
                throw Failure(
                    .badData,
                    file.path,
                    "the archive's entry \"\(name)\" overlaps the one before it"
                )
            }
            let entry = try record.entry(file, directoryOffset: end.directoryOffset)
            position = entry.offset + entry.storedByteCount
            if !entry.name.hasSuffix("/") { found.append(entry) }
        }
        entries = found
        places = Dictionary(zip(found.map(\.name), found.indices)) { first, _ in first }
    }

    public subscript(_ name: String) -> Entry? {
        places[name].map { entries[$0] }
    }

    /// Where an entry's bytes lie.
    ///
    /// Throws `badData` for a compressed entry.
    public func extent(of entry: Entry) throws(Failure) -> FileExtent {
        guard entry.isStored else {
            throw Failure(
                .badData,
                file.path,
                "the archive's entry \"\(printable(entry.name))\" is compressed; the programs that "
                    + "write such archives store their entries as they are",
                remedy: "Unpack the archive and pack it again without compression (\"zip -0\")"
            )
        }
        return FileExtent(file: file, offset: entry.offset)
    }

    /// The bytes of a short entry.
    ///
    /// Throws `badData` for a compressed one and for one of more than `limit` bytes.
    public func bytes(of entry: Entry, limit: Int) throws(Failure) -> [UInt8] {
        let extent = try extent(of: entry)
        guard entry.byteCount <= limit else {
            throw Failure(
                .badData,
                file.path,
                "the archive's entry \"\(printable(entry.name))\" has \(entry.byteCount) bytes, "
                    + "more than \(limit)"
            )
        }
        return try file.bytes(extent.offset..<extent.offset + entry.byteCount)
    }

    /// Reads a stored entry and compares its CRC-32 with the directory's.
    ///
    /// Throws `badData` when they differ.
    public func check(_ entry: Entry) throws(Failure) {
        let extent = try extent(of: entry)
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: min(1 << 20, entry.byteCount),
            alignment: 64
        )
        defer { buffer.deallocate() }
        var check: UInt32 = 0
        var position = 0
        while position < entry.byteCount {
            let piece = UnsafeMutableRawBufferPointer(
                rebasing: buffer[..<min(buffer.count, entry.byteCount - position)]
            )
            try file.read(at: extent.offset + position, into: piece)
            check = CyclicRedundancyCheck.zip.update(check, UnsafeRawBufferPointer(piece))
            position += piece.count
        }
        guard check == entry.checksum else {
            throw Failure(
                .badData,
                file.path,
                "the archive's entry \"\(printable(entry.name))\" is not what was stored: its CRC-32 "
                    + "is \(hexadecimal(check)), must be \(hexadecimal(entry.checksum))",
                remedy: "Fetch or copy it again"
            )
        }
    }
}

func hexadecimal(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
}
