public import Diagnostics
public import Foundation
import Tensors

/// Weights in several files that an index lists: `model.safetensors.index.json`,
/// `pytorch_model.bin.index.json`, `tf_model.h5.index.json`.
///
/// The files hold exactly the tensors that the index names, each in the file it is mapped to.
/// TensorFlow's indexes put the model's name before that of the tensor; the files do not.
public struct ShardedStore: ChecksummedStore {
    public let source: String
    public let layout: String
    /// Shard by shard, in the order of the shards' names.
    public let entries: [TensorEntry]
    public let notes: [String]
    /// The index and the shards.
    public let files: [URL]
    /// Of a safetensors file, what all shards say.
    public let metadata: [String: String]

    private let shards: [any TensorStore]
    /// The place in `shards` of each tensor.
    private let shardByName: [String: Int]

    /// Opens an index and every shard it names.
    ///
    /// Throws `missingInput` for shards that are not there, `badData` with every name that is not
    /// where the index says.
    public init(index: URL) throws(Failure) {
        source = index.relativePath
        let map = try ShardIndex(index)
        let places = try map.locate(beside: index)
        shards = try places.map { (place) throws(Failure) in try Self.shard(place) }

        var placeByName: [String: Int] = [:]
        var entries: [TensorEntry] = []
        var problems: [String] = []
        for (place, shard) in shards.enumerated() {
            for entry in shard.entries {
                if let other = placeByName.updateValue(place, forKey: entry.name) {
                    problems.append(
                        "\"\(printable(entry.name))\" is in two shards, \(map.shards[other]) and "
                            + map.shards[place]
                    )
                }
                entries.append(entry)
            }
        }
        var unlisted = Set(placeByName.keys)
        for (name, shard) in map.shardByName.sorted(by: { $0.key < $1.key }) {
            let stored = [name, String(name.drop { $0 != "/" }.dropFirst())]
                .first { placeByName[$0] != nil }
            guard let stored, let place = placeByName[stored] else {
                problems.append("\"\(printable(name))\" is in no shard")
                continue
            }
            if map.shards[place] != shard {
                problems.append(
                    "\"\(printable(name))\" is in \(map.shards[place]), not in \(printable(shard))"
                )
            }
            if unlisted.remove(stored) == nil {
                problems.append("\"\(printable(name))\" is in the index twice")
            }
        }
        problems += unlisted.sorted().map { "\"\(printable($0))\" is not in the index" }
        guard problems.isEmpty else {
            throw Failure(.badData, source, problems.joined(separator: "; "))
        }
        self.entries = entries
        shardByName = placeByName
        files = [index] + places
        layout = "\(shards[0].layout) in \(shards.count) shards"
        metadata = Self.commonMetadata(shards)
        notes = shards.flatMap(\.notes) + Self.sizeNote(map, entries)
    }

    public func read(
        _ entry: TensorEntry,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Failure) {
        try shard(of: entry).read(entry, into: buffer)
    }

    public func extent(of entry: TensorEntry) -> FileExtent? {
        shard(of: entry).extent(of: entry)
    }

    public func checkValues() throws(Failure) {
        for shard in shards { try (shard as? any ChecksummedStore)?.checkValues() }
    }

    private func shard(of entry: TensorEntry) -> any TensorStore {
        guard let place = shardByName[entry.name] else {
            preconditionFailure("\(entry.name) is not an entry of \(source)")
        }
        return shards[place]
    }

    /// A shard is a file of weights, not an index: indexes do not nest.
    private static func shard(_ url: URL) throws(Failure) -> any TensorStore {
        let container = try TensorContainer.recognize(url)
        switch container {
        case .hdf5: return try HDF5ShardStore(path: url.relativePath)
        case .safetensors, .pyTorchArchive, .pyTorchLegacy: return try container.open(url)
        case .kerasArchive, .tensorFlowBundle, .shardIndex:
            throw Failure(
                .badData,
                url.relativePath,
                "this is \(container.phrase), which is no shard of an index"
            )
        }
    }

    private static func commonMetadata(_ shards: [any TensorStore]) -> [String: String] {
        let all = shards.map { ($0 as? SafetensorsStore)?.metadata ?? [:] }
        return all[0].filter { key, value in all.allSatisfy { $0[key] == value } }
    }

    private static func sizeNote(_ map: ShardIndex, _ entries: [TensorEntry]) -> [String] {
        let byteCount = entries.reduce(0) { $0 &+ $1.byteCount }
        guard let declared = map.declaredByteCount, declared != byteCount else { return [] }
        return ["the index declares \(declared) bytes of tensors, the shards hold \(byteCount)"]
    }
}
