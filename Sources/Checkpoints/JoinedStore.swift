public import Diagnostics
public import Foundation

/// Several stores as one; each gives its names a prefix.
///
/// A KerasHub preset keeps the encoder and the task's head in two files, in which the same path
/// means different things.
public struct JoinedStore: TensorStore {
    public let source: String
    public let layout: String
    public let entries: [TensorEntry]
    public let notes: [String]
    public let weightlessLayers: [String]
    public let files: [URL]

    private let stores: [any TensorStore]
    /// For each name: which store, and its entry there.
    private let places: [String: (store: Int, entry: TensorEntry)]

    /// - Precondition: with the prefixes, no name occurs twice.
    public init(
        source: String,
        layout: String,
        _ parts: [(prefix: String, store: any TensorStore)],
        index: URL? = nil
    ) {
        self.source = source
        self.layout = layout
        stores = parts.map(\.store)
        var entries: [TensorEntry] = []
        var places: [String: (store: Int, entry: TensorEntry)] = [:]
        for (number, part) in parts.enumerated() {
            for entry in part.store.entries {
                let name = part.prefix + entry.name
                precondition(places[name] == nil, "\(name) twice")
                places[name] = (number, entry)
                entries.append(
                    TensorEntry(
                        name: name,
                        shape: entry.shape,
                        elementType: entry.elementType,
                        storage: entry.storage,
                        scales: entry.scales
                    )
                )
            }
        }
        self.entries = entries
        self.places = places
        notes = parts.flatMap(\.store.notes)
        weightlessLayers = parts.flatMap(\.store.weightlessLayers)
        files = (index.map { [$0] } ?? []) + parts.flatMap(\.store.files)
    }

    private func place(_ entry: TensorEntry) -> (store: any TensorStore, entry: TensorEntry) {
        guard let place = places[entry.name] else {
            preconditionFailure("\(entry.name) is not an entry of \(source)")
        }
        return (stores[place.store], place.entry)
    }

    public func read(
        _ entry: TensorEntry,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Failure) {
        let place = place(entry)
        try place.store.read(place.entry, into: buffer)
    }

    public func extent(of entry: TensorEntry) -> FileExtent? {
        let place = place(entry)
        return place.store.extent(of: place.entry)
    }
}

extension JoinedStore {
    /// Whether an index is Keras 3's, whose names are paths of objects.
    static func isKerasIndex(_ index: URL) throws(Failure) -> Bool {
        let value = try JSONValue.parse(try readFile(index), source: index.relativePath)
        guard case .object(let members) = value, case .object(let map)? = members["weight_map"],
            !map.isEmpty
        else { return false }
        return map.keys.allSatisfy { $0.hasPrefix("/") }
    }

    /// Keras 3 weights in several files: `model.weights.json` and its shards.
    ///
    /// The index maps groups of variables (`/layers/dense/vars`) to a file, or to several, over
    /// which the variables of one object are spread.
    public static func kerasShards(index: URL) throws(Failure) -> JoinedStore {
        let source = index.relativePath
        let bytes = try readFile(index)
        guard case .object(let members) = try JSONValue.parse(bytes, source: source),
            case .object(let map)? = members["weight_map"]
        else { throw Failure(.badData, source, "there is no object \"weight_map\"") }
        guard !map.isEmpty else {
            throw Failure(.badData, source, "the object \"weight_map\" is empty")
        }
        var shards: [String: [String]] = [:]
        for (group, value) in map {
            let names: [JSONValue] = if case .array(let list) = value { list } else { [value] }
            for name in names {
                guard case .string(let shard) = name, ShardIndex.isPlainName(shard) else {
                    throw Failure(
                        .badData,
                        source,
                        "the shard of \"\(printable(group))\" is not the name of a file beside the "
                            + "index"
                    )
                }
                shards[shard, default: []].append(group)
            }
        }
        var parts: [(prefix: String, store: any TensorStore)] = []
        var problems: [String] = []
        var seen: Set<String> = []
        for (shard, groups) in shards.sorted(by: { $0.key < $1.key }) {
            let file = index.deletingLastPathComponent().appending(path: shard)
            let store = try HDF5ObjectsStore(path: file.relativePath)
            for entry in store.entries where !seen.insert(entry.name).inserted {
                problems.append("\"\(printable(entry.name))\" is in two shards")
            }
            problems += groups.sorted().filter { group in
                let prefix = group.drop { $0 == "/" } + "/"
                return !store.entries.contains { $0.name.hasPrefix(prefix) }
            }.map { "\"\(printable($0))\" is not in \(printable(shard))" }
            parts.append(("", store))
        }
        guard problems.isEmpty else {
            throw Failure(.badData, source, problems.joined(separator: "; "))
        }
        return JoinedStore(
            source: source,
            layout: "Keras 3 weights (HDF5) in \(parts.count) shards",
            parts,
            index: index
        )
    }
}
