import Diagnostics
import Foundation
import Tensors

/// Digests of the files that runs read, each made once.
struct InputDigests {
    private var known: [String: UInt64] = [:]

    /// A run's resolved options and the content of every file and folder that they name.
    mutating func digest(of run: ResolvedRun) throws(Failure) -> String {
        // Where a run is written and who computes it change nothing of what it gives.
        let ignored = RunConditions.indifferent
        var state = Self.digest(0, Data("\(Tool.version)".utf8))
        for entry in run.entries where !ignored.contains(entry.name) {
            state = Self.digest(state, Data("\(entry.name): \(entry.values)".utf8))
            for value in entry.values {
                guard let content = try content(of: value) else { continue }
                state = withUnsafeBytes(of: content) { ValueSummary.digest(state, $0) }
            }
        }
        let text = String(state, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }

    private mutating func content(of path: String) throws(Failure) -> UInt64? {
        if let digest = known[path] { return digest }
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            return nil
        }
        var digest: UInt64 = 0
        if isFolder.boolValue {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
            for name in names.sorted() {
                let file = URL(filePath: path).appending(path: name).path
                var isInner: ObjCBool = false
                _ = FileManager.default.fileExists(atPath: file, isDirectory: &isInner)
                digest = Self.digest(digest, Data(name.utf8))
                if !isInner.boolValue { digest = try Self.file(file, digest) }
            }
        } else {
            digest = try Self.file(path, 0)
        }
        known[path] = digest
        return digest
    }

    private static func file(_ path: String, _ state: UInt64) throws(Failure) -> UInt64 {
        guard let data = try? Data(contentsOf: URL(filePath: path), options: .alwaysMapped) else {
            throw Failure(.missingInput, path, "the file cannot be read")
        }
        return digest(state, data)
    }

    private static func digest(_ state: UInt64, _ data: Data) -> UInt64 {
        data.withUnsafeBytes { ValueSummary.digest(state, $0) }
    }
}
