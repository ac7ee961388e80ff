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

    /// The digests of a file, of the files that lie in a folder, or of those whose names begin with the
    /// last part of a path that is neither, as TensorFlow names a checkpoint; by name. Hidden ones and
    /// inner folders are passed over.
    ///
    /// - Throws: `Failure` where nothing is there, or one cannot be read.
    public static func all(at path: String) throws(Failure) -> [FileDigest] {
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        if exists, !isFolder.boolValue { return [try FileDigest(of: path)] }
        let url = URL(filePath: path)
        let folder = exists ? url : url.deletingLastPathComponent()
        let prefix = exists ? "" : url.lastPathComponent + "."
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        var digests: [FileDigest] = []
        for name in names.sorted() where !name.hasPrefix(".") && name.hasPrefix(prefix) {
            let inner = folder.appending(path: name).path
            var isInner: ObjCBool = false
            guard FileManager.default.fileExists(atPath: inner, isDirectory: &isInner),
                !isInner.boolValue
            else { continue }
            digests.append(try FileDigest(of: inner))
        }
        // Says what is missing.
        return exists || !digests.isEmpty ? digests : [try FileDigest(of: path)]
    }
}
