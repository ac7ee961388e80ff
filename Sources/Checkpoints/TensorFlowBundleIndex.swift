import Diagnostics
import Tensors

/// The index of a TensorFlow checkpoint: which tensor lies where in which data file.
///
/// Source: tensorflow/core/protobuf/tensor_bundle.proto and tensor_shape.proto. The table's entry of
/// the empty key is the header, every other one a tensor's.
struct TensorFlowBundleIndex {
    /// How many data files a checkpoint may have.
    static let maximumShardCount = 4096

    struct TensorPlace {
        let entry: TensorEntry
        let shard: Int
        let offset: Int
        /// Masked CRC-32C of the stored bytes.
        let checksum: UInt32
    }

    let shardCount: Int
    let isBigEndian: Bool
    /// By name.
    let tensors: [TensorPlace]
    /// What is no tensor of numbers.
    let notes: [String]

    static func isOne(_ file: OpenFile) throws(Failure) -> Bool {
        try SortedStringTable.isOne(file)
    }

    init(_ file: OpenFile) throws(Failure) {
        let table = try SortedStringTable(file)
        guard let header = table.entries.first, header.key.isEmpty else {
            throw Failure(.badData, file.path, "the checkpoint's index has no header")
        }
        (shardCount, isBigEndian) = try Self.header(header.value, file.path)
        // Parts of a variable have keys of their own, which are no names.
        var partitioned: [[UInt8]] = []
        for (key, value) in table.entries.dropFirst() {
            if try BundleEntry(value, file.path, key).isPartitioned { partitioned.append(key) }
        }
        guard partitioned.isEmpty else {
            throw Failure(
                .badData,
                file.path,
                "\(partitioned.count) variables are partitioned, which is not read: "
                    + partitioned.map { printable(String(decoding: $0, as: UTF8.self)) }
                    .joined(separator: ", "),
                remedy: "Save the checkpoint again without a partitioner"
            )
        }
        var tensors: [TensorPlace] = []
        var others: [String] = []
        for (key, value) in table.entries.dropFirst() {
            let entry = try BundleEntry(value, file.path, key)
            guard let name = String(validating: key, as: UTF8.self) else {
                throw Failure(
                    .badData,
                    file.path,
                    "the checkpoint's index has a name that is not UTF-8: "
                        + "\"\(printable(String(decoding: key, as: UTF8.self)))\""
                )
            }
            if let place = try entry.place(name, shardCount: shardCount, file.path) {
                tensors.append(place)
            } else {
                others.append("\"\(printable(name))\" (\(entry.typePhrase))")
            }
        }
        // Two spellings of one name are one name to whoever looks a tensor up.
        var names: Set<String> = []
        for tensor in tensors where !names.insert(tensor.entry.name).inserted {
            throw Failure(
                .badData,
                file.path,
                "the checkpoint's index has the name \"\(printable(tensor.entry.name))\" twice"
            )
        }
        self.tensors = tensors
        notes =
            others.isEmpty
            ? [] : ["not numbers, and not read: \(others.joined(separator: ", "))"]
    }

    /// `num_shards` 1, `endianness` 2, `version` 3 { `producer` 1, `min_consumer` 2 }
    private static func header(
        _ bytes: ArraySlice<UInt8>,
        _ path: String
    ) throws(Failure) -> (shardCount: Int, isBigEndian: Bool) {
        var reader = WireReader(bytes, path, "the checkpoint's header")
        var shardCount: UInt64 = 0
        var endianness: UInt64 = 0
        var neededVersion: UInt64 = 0
        while !reader.isAtEnd {
            switch try reader.field() {
            case (1, .varint(let value)): shardCount = value
            case (1, .bytes):
                throw Failure(
                    .badData,
                    path,
                    "this is a TensorFlow checkpoint of the old version 1, which is not read",
                    remedy: "Restore it in TensorFlow 1.x or 2.x and save it in version 2"
                )
            case (2, .varint(let value)): endianness = value
            case (3, .bytes(let version)):
                var version = WireReader(version, path, "the checkpoint's version")
                while !version.isAtEnd {
                    if case (2, .varint(let value)) = try version.field() { neededVersion = value }
                }
            default: break
            }
        }
        guard (1...UInt64(maximumShardCount)).contains(shardCount) else {
            throw Failure(
                .badData,
                path,
                "the checkpoint has \(shardCount) data files; 1 to \(maximumShardCount) are read"
            )
        }
        guard endianness <= 1 else {
            throw Failure(.badData, path, "the checkpoint's byte order \(endianness) is not known")
        }
        guard neededVersion <= 1 else {
            throw Failure(
                .badData,
                path,
                "the checkpoint asks for a reader of version \(neededVersion); this one's is 1"
            )
        }
        return (Int(shardCount), endianness == 1)
    }
}
