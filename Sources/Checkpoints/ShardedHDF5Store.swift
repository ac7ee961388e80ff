public import Diagnostics
public import Foundation
import HDF5
import Tensors

/// Weights that Hugging Face saved in several files: `tf_model.h5.index.json` and its shards.
///
/// The datasets of a shard lie at the root, without the layer and the model's name; the root
/// attribute `layer_names` lists their paths.
public struct ShardedHDF5Store: TensorStore {
    public let source: String
    public let layout: String
    public let entries: [TensorEntry]
    public let notes: [String]
    /// The index and the shards.
    public let files: [URL]

    /// The shard of each tensor.
    private let shards: [String: HDF5Datasets]

    /// Opens an index and every shard it names. Shards must lie beside the index.
    public init(index: URL) throws(Failure) {
        source = index.relativePath
        let bytes = try readFile(index)
        guard case .object(let members) = try JSONValue.parse(bytes, source: source),
            case .object(let map)? = members["weight_map"]
        else {
            throw Failure(.badData, source, "there is no object \"weight_map\"")
        }
        var shards: Set<String> = []
        for (name, value) in map {
            guard case .string(let shard) = value, !shard.isEmpty, !shard.hasPrefix("."),
                !shard.contains("/")
            else {
                throw Failure(
                    .badData,
                    source,
                    "the shard of \"\(printable(name))\" is not the name of a file beside the index"
                )
            }
            shards.insert(shard)
        }
        var datasets: [String: HDF5Datasets] = [:]
        var ordered: [HDF5Dataset] = []
        var problems: [String] = []
        var notes: [String] = []
        for shard in shards.sorted() {
            let url = index.deletingLastPathComponent().appending(path: shard)
            let file = try HDF5File(path: url.relativePath)
            notes += HDF5Datasets.notes(file)
            let content = try HDF5Datasets(file)
            for dataset in file.datasets {
                let name = String(dataset.path.dropFirst())
                if datasets.updateValue(content, forKey: name) != nil {
                    problems.append("\"\(printable(name))\" is in two shards")
                }
                ordered.append(dataset)
            }
        }
        // The index keeps the model's name as first component, the shards do not.
        let missing = map.keys.filter { name in
            datasets[name.drop { $0 != "/" }.dropFirst().description] == nil
                && datasets[name] == nil
        }
        problems += missing.sorted().map { "\"\(printable($0))\" is in no shard" }
        entries = HDF5Datasets.entries(ordered, &problems)
        guard problems.isEmpty else {
            throw Failure(.badData, source, problems.joined(separator: "; "))
        }
        self.shards = datasets
        let folder = index.deletingLastPathComponent()
        files = [index] + shards.sorted().map { folder.appending(path: $0) }
        self.notes = notes
        layout = "Hugging Face TensorFlow weights in \(shards.count) shards"
    }

    public func read(
        _ entry: TensorEntry,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Failure) {
        try shard(of: entry).read(entry.name, into: buffer)
    }

    public func extent(of entry: TensorEntry) -> FileExtent? {
        shard(of: entry).extent(of: entry.name)
    }

    private func shard(of entry: TensorEntry) -> HDF5Datasets {
        guard let shard = shards[entry.name] else {
            preconditionFailure("\(entry.name) is not an entry of \(source)")
        }
        return shard
    }
}
