import Diagnostics
import Foundation

/// The index of weights kept in several files: `{"metadata": …, "weight_map": {name: file}}`, as
/// Hugging Face's libraries write it beside the files.
struct ShardIndex {
    /// The file of each tensor.
    let shardByName: [String: String]
    /// What the index says the tensors' bytes are, when it does.
    let declaredByteCount: Int?

    /// The files, sorted.
    let shards: [String]

    /// Reads an index. A shard is the plain name of a file beside it: anything that could lead
    /// elsewhere is refused.
    init(_ url: URL) throws(Failure) {
        let source = url.relativePath
        let value = try JSONValue.parse(try readFile(url), source: source)
        guard case .object(let members) = value, case .object(let map)? = members["weight_map"]
        else {
            throw Failure(
                .badData,
                source,
                "there is no object \"weight_map\": this is no index of weights",
                remedy: "Give the weights, or the folder that holds them"
            )
        }
        guard !map.isEmpty else {
            throw Failure(.badData, source, "the object \"weight_map\" is empty")
        }
        var shardByName: [String: String] = [:]
        shardByName.reserveCapacity(map.count)
        for (name, value) in map.sorted(by: { $0.key < $1.key }) {
            guard case .string(let shard) = value, Self.isPlainName(shard) else {
                throw Failure(
                    .badData,
                    source,
                    "the shard of \"\(printable(name))\" is not the name of a file beside the index"
                )
            }
            shardByName[name] = shard
        }
        self.shardByName = shardByName
        shards = Set(shardByName.values).sorted()
        var declared: Int?
        if case .object(let metadata)? = members["metadata"] {
            switch metadata["total_size"] {
            case .integer(let count): declared = count
            case .number(let count): declared = Int(exactly: count)
            default: break
            }
        }
        declaredByteCount = declared
    }

    /// Whether a name from an index is that of a file beside it.
    static func isPlainName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 255 && !name.hasPrefix(".")
            && !name.unicodeScalars.contains { $0 == "/" || $0 == "\\" || $0.value < 0x20 }
    }

    /// The shards' places; a `Failure` that lists those that are not there.
    func locate(beside index: URL) throws(Failure) -> [URL] {
        let folder = index.deletingLastPathComponent()
        let places = shards.map { folder.appending(path: $0) }
        let missing = zip(shards, places).filter {
            !FileManager.default.fileExists(atPath: $1.path)
        }
        guard missing.isEmpty else {
            throw Failure(
                .missingInput,
                index.relativePath,
                "\(missing.count) of its \(shards.count) shards are missing: "
                    + missing.map { printable($0.0) }.joined(separator: ", "),
                remedy: "Fetch them into the folder of the index"
            )
        }
        return places
    }
}
