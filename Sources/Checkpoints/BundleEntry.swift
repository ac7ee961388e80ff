import Diagnostics
import Tensors

/// What a TensorFlow checkpoint's index says about one tensor: a `BundleEntryProto`.
///
/// `dtype` 1, `shape` 2 { `dim` 2 { `size` 1 }, `unknown_rank` 3 }, `shard_id` 3, `offset` 4, `size`
/// 5, `crc32c` 6, `slices` 7
struct BundleEntry {
    private var type: UInt64 = 0
    private var dimensions: [UInt64] = []
    private var hasUnknownRank = false
    private var shard: UInt64 = 0
    private var offset: UInt64 = 0
    private var byteCount: UInt64 = 0
    private var checksum: UInt32 = 0
    private(set) var isPartitioned = false

    init(_ bytes: ArraySlice<UInt8>, _ path: String, _ key: [UInt8]) throws(Failure) {
        let what = "the entry of \"\(printable(String(decoding: key, as: UTF8.self)))\""
        var reader = WireReader(bytes, path, what)
        while !reader.isAtEnd {
            switch try reader.field() {
            case (1, .varint(let value)): type = value
            case (2, .bytes(let shape)): try addShape(shape, path, what)
            case (3, .varint(let value)): shard = value
            case (4, .varint(let value)): offset = value
            case (5, .varint(let value)): byteCount = value
            case (6, .fixed32(let value)): checksum = value
            case (7, .bytes): isPartitioned = true
            case (1...7, _): throw reader.problem("has a field of another kind")
            default: break
            }
        }
    }

    private mutating func addShape(
        _ bytes: ArraySlice<UInt8>,
        _ path: String,
        _ what: String
    ) throws(Failure) {
        var shape = WireReader(bytes, path, what)
        while !shape.isAtEnd {
            switch try shape.field() {
            case (2, .bytes(let bytes)):
                var dimension = WireReader(bytes, path, what)
                var size: UInt64 = 0
                while !dimension.isAtEnd {
                    if case (1, .varint(let value)) = try dimension.field() { size = value }
                }
                guard dimensions.count < maximumRank else {
                    throw shape.problem("has more than \(maximumRank) dimensions")
                }
                dimensions.append(size)
            case (3, .varint(let value)): hasUnknownRank = value != 0
            default: break
            }
        }
    }

    /// `DataType` of tensorflow/core/framework/types.proto.
    private static let elementTypes: [UInt64: ElementType] = [
        1: .float32, 2: .float64, 3: .int32, 4: .uint8, 5: .int16, 6: .int8, 9: .int64, 10: .bool,
        14: .bfloat16, 19: .float16,
    ]

    private static let otherTypes: [UInt64: String] = [
        7: "strings", 8: "complex numbers", 11: "quantized integers", 12: "quantized integers",
        13: "quantized integers", 15: "quantized integers", 16: "quantized integers",
        17: "16-bit unsigned integers", 18: "complex numbers", 20: "a resource", 21: "a variant",
        22: "32-bit unsigned integers", 23: "64-bit unsigned integers",
    ]

    var typePhrase: String { Self.otherTypes[type] ?? "TensorFlow's type \(type)" }

    /// The tensor and its place; `nil` for what no tensor of numbers is.
    func place(
        _ name: String,
        shardCount: Int,
        _ path: String
    ) throws(Failure) -> TensorFlowBundleIndex.TensorPlace? {
        guard let elementType = Self.elementTypes[type] else { return nil }
        func refused(_ what: String) -> Failure {
            Failure(.badData, path, "the tensor \"\(printable(name))\" \(what)")
        }
        guard !hasUnknownRank else { throw refused("has no shape") }
        let extents = dimensions.compactMap { Int(exactly: $0) }
        guard extents.count == dimensions.count,
            let needed = checkedByteCount(extents, elementType)
        else { throw refused("has more elements than can be counted: \(dimensions)") }
        guard byteCount == UInt64(needed) else {
            throw refused(
                "of shape \(Shape(extents)) and type \(elementType.rawValue) takes \(needed) bytes, "
                    + "the index gives \(byteCount)"
            )
        }
        guard shard < UInt64(shardCount) else {
            throw refused("is in data file \(shard) of \(shardCount)")
        }
        guard let offset = Int(exactly: offset) else { throw refused("begins at byte \(offset)") }
        return TensorFlowBundleIndex.TensorPlace(
            entry: TensorEntry(name: name, shape: Shape(extents), elementType: elementType),
            shard: Int(shard),
            offset: offset,
            checksum: checksum
        )
    }
}
