import Diagnostics
import Glibc

/// Looks at a file's first bytes before libhdf5 does, so that a file of another kind, or one cut
/// short, gets its own sentence and is never handed to the C library.
///
/// Superblock layout: HDF5 File Format Specification 3.0, section II.A.
enum Prescan {
    private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

    /// The file's size in bytes, when it is worth opening.
    static func check(_ path: String) throws(Failure) -> Int {
        // Without O_NONBLOCK a named pipe would wait for a writer.
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Failure.unopened(path, errno: errno)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw Failure(.inputOutput, path, "the file's size cannot be read")
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw Failure(.missingInput, path, "this is a folder, not a file")
        default: throw Failure(.missingInput, path, "this is not a regular file")
        }
        let size = Int(status.st_size)
        guard size > 0 else { throw Failure(.badData, path, "the file is empty") }

        let head = try bytes(descriptor, at: 0, count: 1024, path)
        guard let start = try signatureOffset(descriptor, head, size, path) else {
            throw foreign(path, head, size)
        }
        let superblock = try bytes(descriptor, at: start, count: 100, path)
        try checkSuperblock(superblock, size: size, path)
        try StructureCheck.run(
            descriptor,
            superblock: superblock,
            at: start,
            byteCount: size,
            path
        )
        return size
    }

    /// Up to `count` bytes at `offset`; fewer at the end of the file.
    private static func bytes(
        _ descriptor: Int32,
        at offset: Int,
        count: Int,
        _ path: String
    ) throws(Failure) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let read = buffer.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress! + filled, count - filled, off_t(offset + filled))
            }
            if read < 0 && errno == EINTR { continue }
            guard read >= 0 else {
                throw Failure(
                    .inputOutput,
                    path,
                    "reading failed: \(String(cString: strerror(errno)))"
                )
            }
            if read == 0 { break }
            filled += read
        }
        return Array(buffer[..<filled])
    }

    /// Where the superblock starts: 0, or after a user block of 512, 1024, 2048, … bytes.
    private static func signatureOffset(
        _ descriptor: Int32,
        _ head: [UInt8],
        _ size: Int,
        _ path: String
    ) throws(Failure) -> Int? {
        if head.starts(with: signature) { return 0 }
        var offset = 512
        while offset < size {
            if try bytes(descriptor, at: offset, count: 8, path) == signature { return offset }
            let (next, overflow) = offset.multipliedReportingOverflow(by: 2)
            if overflow { break }
            offset = next
        }
        return nil
    }

    private static func checkSuperblock(
        _ block: [UInt8],
        size: Int,
        _ path: String
    ) throws(Failure) {
        let cutShort = Failure(
            .badData,
            path,
            "truncated: the file ends inside HDF5's superblock, after \(size) bytes",
            remedy: "Fetch or copy it again"
        )
        guard block.count > 8 else { throw cutShort }
        let version = block[8]
        let endOfFileField: Int
        let sizesField: Int
        switch version {
        case 0: (sizesField, endOfFileField) = (13, 40)
        case 1: (sizesField, endOfFileField) = (13, 44)
        case 2, 3: (sizesField, endOfFileField) = (9, 28)
        default:
            throw Failure(
                .badData,
                path,
                "HDF5 superblock version \(version) is not known; versions 0 to 3 are"
            )
        }
        guard block.count >= endOfFileField + 8 else { throw cutShort }
        guard block[sizesField] == 8, block[sizesField + 1] == 8 else {
            throw Failure(
                .badData,
                path,
                "HDF5 addresses of \(block[sizesField]) and lengths of \(block[sizesField + 1]) "
                    + "bytes are not supported; both must be 8"
            )
        }
        // Bits 0 and 2 of version 3's consistency flags: a writer had the file open.
        if version == 3, block[11] & 0b101 != 0 {
            throw Failure(
                .badData,
                path,
                "the file is marked as open for writing: its writer is still running or died",
                remedy: "If nothing is writing it, clear the mark with \"h5clear -s\""
            )
        }
        let declared = littleEndian(block[endOfFileField..<endOfFileField + 8])
        guard declared <= UInt64(size) else {
            throw Failure(
                .badData,
                path,
                "truncated: declares \(declared) bytes, has \(size)",
                remedy: "Fetch or copy it again"
            )
        }
    }

    private static func littleEndian(_ bytes: some Collection<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// What a file without HDF5's signature is.
    private static func foreign(_ path: String, _ head: [UInt8], _ size: Int) -> Failure {
        if signature.starts(with: head) {
            return Failure(
                .badData,
                path,
                "truncated: the file ends inside HDF5's signature, after \(size) bytes",
                remedy: "Fetch or copy it again"
            )
        }
        guard let kind = FileKind(head: head, byteCount: size) else {
            return Failure(.badData, path, "this is not an HDF5 file: it has no HDF5 signature")
        }
        return kind.failure(path, insteadOf: "an HDF5 file")
    }
}
