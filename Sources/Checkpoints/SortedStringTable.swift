import Diagnostics

/// The keys and values of an SSTable, which is what TensorFlow keeps a checkpoint's index in.
///
/// The layout is LevelDB's (doc/table_format.md): blocks of entries whose keys leave out what they
/// share with the key before, each block followed by a byte for its compression and a masked CRC-32C;
/// an index block of the blocks' places; a footer with the index block's place.
struct SortedStringTable {
    static let footerByteCount = 48
    static let magic: [UInt8] = [0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB]
    /// Of the file, and of all blocks unpacked. BERT-large's index has 50 kB.
    static let maximumByteCount = 64 << 20

    /// By key, which are sorted by bytes and occur once.
    private(set) var entries: [(key: [UInt8], value: ArraySlice<UInt8>)] = []

    private let file: OpenFile
    /// What blocks and keys may still take in memory.
    private var budget = maximumByteCount

    static func isOne(_ file: OpenFile) throws(Failure) -> Bool {
        guard file.byteCount >= footerByteCount else { return false }
        return try file.bytes(file.byteCount - 8..<file.byteCount) == magic
    }

    init(_ file: OpenFile) throws(Failure) {
        self.file = file
        guard try Self.isOne(file) else {
            throw Failure(
                .badData,
                file.path,
                "this is no index of a TensorFlow checkpoint, or it is cut short: it does not end "
                    + "with a table's mark"
            )
        }
        guard file.byteCount <= Self.maximumByteCount else {
            throw Failure(
                .badData,
                file.path,
                "a checkpoint's index of \(file.byteCount) bytes, more than \(Self.maximumByteCount)"
            )
        }
        let footer = try file.bytes(file.byteCount - Self.footerByteCount..<file.byteCount - 8)
        var reader = WireReader(footer[...], file.path, "the table's footer")
        _ = try block(try handle(&reader), "the table's metaindex")
        let index = try block(try handle(&reader), "the table's index")
        var end = 0
        for (bound, value) in index {
            var reader = WireReader(value, file.path, "the table's index")
            let handle = try handle(&reader)
            guard handle.lowerBound >= end else {
                throw Failure(
                    .badData,
                    file.path,
                    "the table's block at \(handle.lowerBound) overlaps the one before it"
                )
            }
            end = handle.upperBound
            let block = try block(handle, "the table's block at \(handle.lowerBound)")
            if let first = block.first, let last = entries.last {
                try checkOrder(last.key, first.key)
            }
            entries += block
            guard let last = entries.last?.key, !bound.lexicographicallyPrecedes(last) else {
                throw Failure(
                    .badData,
                    file.path,
                    "the table's block at \(handle.lowerBound) has keys after those its index gives"
                )
            }
        }
    }

    private func checkOrder(_ first: [UInt8], _ second: [UInt8]) throws(Failure) {
        guard first.lexicographicallyPrecedes(second) else {
            throw Failure(
                .badData,
                file.path,
                "the table's key \"\(printable(String(decoding: second, as: UTF8.self)))\" is not "
                    + "after the one before it"
            )
        }
    }

    /// A block's place, checked against the file; compression and checksum come after it.
    private func handle(_ reader: inout WireReader) throws(Failure) -> Range<Int> {
        let (offset, count) = (try reader.varint(), try reader.varint())
        let end = UInt64(file.byteCount - Self.footerByteCount)
        guard offset <= end, count <= end - offset, end - offset - count >= 5 else {
            throw Failure(
                .badData,
                file.path,
                "a block of the table, \(count) bytes at \(offset), is not in the file"
            )
        }
        return Int(offset)..<Int(offset + count)
    }

    /// The entries of the block at that place.
    private mutating func block(
        _ range: Range<Int>,
        _ what: String
    ) throws(Failure) -> [(key: [UInt8], value: ArraySlice<UInt8>)] {
        let stored = try file.bytes(range.lowerBound..<range.upperBound + 5)
        let checked = stored[..<(range.count + 1)]
        let check = CyclicRedundancyCheck.castagnoli.check(Array(checked))
        let expected = stored[(range.count + 1)...].littleEndian
        guard UInt64(CyclicRedundancyCheck.masked(check)) == expected else {
            throw Failure(
                .badData,
                file.path,
                "\(what) is damaged: its checksum does not agree",
                remedy: "Fetch or copy it again"
            )
        }
        let content: [UInt8]
        switch stored[range.count] {
        case 0: content = Array(stored[..<range.count])
        case 1:
            do throws(Snappy.Problem) {
                content = try Snappy.unpack(stored[..<range.count], limit: budget)
            } catch {
                throw Failure(.badData, file.path, "\(what) cannot be unpacked: \(error.rawValue)")
            }
        case let type:
            throw Failure(.badData, file.path, "\(what) has the unknown compression \(type)")
        }
        try spend(content.count)
        return try entries(of: content, what)
    }

    private mutating func spend(_ byteCount: Int) throws(Failure) {
        budget -= byteCount
        guard budget >= 0 else {
            throw Failure(
                .badData,
                file.path,
                "the table takes more than \(Self.maximumByteCount) bytes"
            )
        }
    }

    /// Reads a block: its entries, then the places of those whose keys are whole, and their count.
    private mutating func entries(
        of content: [UInt8],
        _ what: String
    ) throws(Failure) -> [(key: [UInt8], value: ArraySlice<UInt8>)] {
        let path = file.path
        func refused(_ problem: String) -> Failure {
            Failure(.badData, path, "\(what) \(problem)")
        }
        guard content.count >= 4 else { throw refused("is cut short") }
        let restartCount = Int(content[(content.count - 4)...].littleEndian)
        guard restartCount <= (content.count - 4) / 4 else { throw refused("is cut short") }
        let end = content.count - 4 - 4 * restartCount
        let restarts = stride(from: end, to: content.count - 4, by: 4).map {
            Int(content[$0..<$0 + 4].littleEndian)
        }
        var nextRestart = restarts[...]
        var reader = WireReader(content[..<end], path, what)
        var entries: [(key: [UInt8], value: ArraySlice<UInt8>)] = []
        var key: [UInt8] = []
        while !reader.isAtEnd {
            let isRestart = nextRestart.first == reader.position
            if isRestart { nextRestart.removeFirst() }
            let shared = try reader.varint()
            let (addedCount, valueCount) = (try reader.varint(), try reader.varint())
            guard shared <= UInt64(key.count), !isRestart || shared == 0 else {
                throw refused("has a key that shares \(shared) bytes with one of \(key.count)")
            }
            let previous = key
            key.removeSubrange(Int(shared)...)
            key += try reader.bytes(addedCount)
            let value = try reader.bytes(valueCount)
            // Keys that share everything take memory that the file does not have.
            try spend(key.count + 64)
            if !entries.isEmpty { try checkOrder(previous, key) }
            entries.append((key, value))
        }
        // An empty block has one restart, at its beginning.
        guard nextRestart.isEmpty || entries.isEmpty && nextRestart == [0] else {
            throw refused("names whole keys where there are none")
        }
        return entries
    }
}
