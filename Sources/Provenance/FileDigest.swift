import Checkpoints
import Crypto
public import Diagnostics
import Foundation

/// A file's size and SHA-256, by which somebody else can tell that it is the same.
public struct FileDigest: Sendable, Hashable {
    /// The last part of its path.
    public let name: String
    public let byteCount: Int
    /// 64 hexadecimal digits.
    public let sha256: String

    private static let pieceByteCount = 1 << 20

    /// Reads a file from its beginning to its end.
    ///
    /// - Throws: `Failure` where it cannot be read.
    public init(of path: String) throws(Failure) {
        let file = try OpenFile(path: path)
        var hash = SHA256()
        var start = 0
        while start < file.byteCount {
            let end = min(start + Self.pieceByteCount, file.byteCount)
            hash.update(data: try file.bytes(start..<end))
            start = end
        }
        name = URL(filePath: path).lastPathComponent
        byteCount = file.byteCount
        sha256 = hash.finalize().map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        .joined()
    }

    /// The digests of a file, or of the files that lie in a folder, by name; hidden ones and inner folders
    /// are passed over.
    ///
    /// - Throws: `Failure` where one cannot be read.
    public static func all(at path: String) throws(Failure) -> [FileDigest] {
        var isFolder: ObjCBool = false
        _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        guard isFolder.boolValue else { return [try FileDigest(of: path)] }
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw Failure(.missingInput, path, "the folder cannot be listed")
        }
        var digests: [FileDigest] = []
        for name in names.sorted() where !name.hasPrefix(".") {
            let inner = URL(filePath: path).appending(path: name).path
            var isInner: ObjCBool = false
            guard FileManager.default.fileExists(atPath: inner, isDirectory: &isInner),
                !isInner.boolValue
            else { continue }
            digests.append(try FileDigest(of: inner))
        }
        return digests
    }
}
