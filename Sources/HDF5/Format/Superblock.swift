import Diagnostics

/// The head of a file: where everything begins, and how wide the older format's trees are.
///
/// - Source: HDF5 File Format Specification 3.0, sections II.A and II.C.
struct Superblock {
    private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
    /// What the longest version takes, the root's entry included.
    private static let mostBytes = 100
    private static let cutShort = "Fetch or copy it again"

    let rootAddress: UInt64
    /// Tree and names of the root group, which a superblock of version 0 or 1 repeats.
    private(set) var rootSymbols: SymbolTable?

    /// Finds the superblock, and gives a reader of all that it leads to.
    static func read(_ file: FileBytes, _ path: String) throws(Failure) -> (Superblock, Reader) {
        guard file.byteCount > 0 else { throw Failure(.badData, path, "the file is empty") }
        let head: [UInt8]
        do throws(Damage) {
            head = try file.bytes(at: 0, count: min(FileKind.headByteCount, file.byteCount))
            if let start = try signatureOffset(file, head) {
                var reader = Reader(file, base: UInt64(start))
                let block = try Superblock(&reader)
                return (block, reader)
            }
        } catch {
            throw error.failure(path)
        }
        if signature.starts(with: head) {
            throw truncated("the file ends inside HDF5's signature, after \(file.byteCount) bytes")
                .failure(path)
        }
        guard let kind = FileKind(head: head, byteCount: file.byteCount) else {
            throw Failure(.badData, path, "this is not an HDF5 file: it has no HDF5 signature")
        }
        throw kind.failure(path, insteadOf: "an HDF5 file")
    }

    /// Where the superblock starts: 0, or after a user block of 512, 1024, 2048, … bytes.
    private static func signatureOffset(_ file: FileBytes, _ head: [UInt8]) throws(Damage) -> Int? {
        if head.starts(with: signature) { return 0 }
        var offset = 512
        while offset <= file.byteCount - signature.count {
            if try file.bytes(at: offset, count: signature.count) == signature { return offset }
            offset *= 2
        }
        return nil
    }

    private static func truncated(_ what: String) -> Damage {
        .refused("truncated: \(what)", remedy: cutShort)
    }

    private init(_ reader: inout Reader) throws(Damage) {
        let size = reader.file.byteCount
        let available = Int(min(reader.byteCount, UInt64(Self.mostBytes)))
        let cut = Self.truncated("the file ends inside HDF5's superblock, after \(size) bytes")
        let bytes = try reader.file.bytes(at: Int(reader.base), count: available)
        guard available > 8 else { throw cut }
        let length: Int
        switch bytes[8] {
        case 0: length = 96
        case 1: length = 100
        case 2, 3: length = 48
        default:
            throw .refused(
                "HDF5 superblock version \(bytes[8]) is not known; versions 0 to 3 are"
            )
        }
        guard available >= length else { throw cut }
        let isNew = bytes[8] > 1
        let sizes = isNew ? bytes[9..<11] : bytes[13..<15]
        guard sizes.elementsEqual([8, 8]) else {
            throw .refused(
                "HDF5 addresses of \(sizes[sizes.startIndex]) and lengths of "
                    + "\(sizes[sizes.startIndex + 1]) bytes are not supported; both must be 8"
            )
        }
        var block = try reader.block(0, length, "the superblock")
        // Bits 0 and 2 of version 3's consistency flags: a writer had the file open.
        if bytes[8] == 3, bytes[11] & 0b101 != 0 {
            throw .refused(
                "the file is marked as open for writing: its writer is still running or died",
                remedy: "If nothing is writing it, clear the mark with \"h5clear -s\""
            )
        }
        if isNew { try block.verifyChecksum() }
        try block.skip(8)
        rootAddress =
            isNew
            ? try Self.newer(&block, &reader)
            : try Self.older(&block, bytes[8], &reader, &rootSymbols)
    }

    /// Versions 0 and 1; the root's entry stands at the end.
    private static func older(
        _ block: inout Fields,
        _ version: UInt8,
        _ reader: inout Reader,
        _ symbols: inout SymbolTable?
    ) throws(Damage) -> UInt64 {
        try block.skip(8)
        reader.groupLeafK = try block.integer(2)
        reader.groupInternalK = try block.integer(2)
        try block.skip(4)
        if version == 1 {
            reader.chunkInternalK = try block.integer(2)
            try block.skip(2)
        }
        guard
            [reader.groupLeafK, reader.groupInternalK, reader.chunkInternalK]
                .allSatisfy({ (1...1024).contains($0) })
        else { throw block.damaged("has trees of an odd width") }
        try checkBase(&block, reader)
        try block.skip(8)
        try checkEnd(&block, reader)
        guard try block.address() == Reader.undefined else {
            throw .unsupported("the file is of a driver that splits files")
        }
        let root = try SymbolTable.Entry(&block)
        symbols = root.symbols
        return root.address
    }

    /// Versions 2 and 3.
    private static func newer(
        _ block: inout Fields,
        _ reader: inout Reader
    ) throws(Damage) -> UInt64 {
        try block.skip(4)
        try checkBase(&block, reader)
        let extensionAddress = try block.address()
        try checkEnd(&block, reader)
        let root = try block.address()
        if extensionAddress != Reader.undefined { try readExtension(extensionAddress, &reader) }
        return root
    }

    private static func checkBase(_ block: inout Fields, _ reader: Reader) throws(Damage) {
        guard try block.address() == reader.base else {
            throw block.damaged("is not where it says it is")
        }
    }

    private static func checkEnd(_ block: inout Fields, _ reader: Reader) throws(Damage) {
        let declared = try block.number(8)
        guard declared <= UInt64(reader.file.byteCount) else {
            throw truncated("declares \(declared) bytes, has \(reader.file.byteCount)")
        }
    }

    private static func readExtension(
        _ address: UInt64,
        _ reader: inout Reader
    ) throws(Damage) {
        let header = try ObjectHeader(&reader, at: address)
        if header[.sharedMessageTable] != nil {
            throw .unsupported("the file shares messages between objects")
        }
        if header[.driverInfo] != nil {
            throw .unsupported("the file is of a driver that splits files")
        }
        if header[.cacheImage] != nil {
            throw .unsupported("the file keeps an image of a program's cache")
        }
        if var widths = header[.treeWidths] {
            try widths.version(0)
            reader.chunkInternalK = try widths.integer(2)
            reader.groupInternalK = try widths.integer(2)
            reader.groupLeafK = try widths.integer(2)
            guard
                [reader.groupLeafK, reader.groupInternalK, reader.chunkInternalK]
                    .allSatisfy({ (1...1024).contains($0) })
            else { throw widths.damaged("has trees of an odd width") }
        }
    }
}
