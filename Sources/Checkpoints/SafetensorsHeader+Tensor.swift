import Diagnostics
import Tensors

extension ElementType {
    /// The name of the element type in a safetensors header.
    var safetensorsName: String {
        switch self {
        case .float64: "F64"
        case .float32: "F32"
        case .float16: "F16"
        case .bfloat16: "BF16"
        case .int64: "I64"
        case .uint64: "U64"
        case .int32: "I32"
        case .uint32: "U32"
        case .int16: "I16"
        case .uint16: "U16"
        case .int8: "I8"
        case .uint8: "U8"
        case .bool: "BOOL"
        }
    }

    private static let bySafetensorsName = Dictionary(
        uniqueKeysWithValues: allCases.map { ($0.safetensorsName, $0) }
    )

    init?(safetensorsName name: String) {
        guard let type = Self.bySafetensorsName[name] else { return nil }
        self = type
    }
}

extension SafetensorsHeader {
    /// What the header says about one tensor: exactly `dtype`, `shape` and `data_offsets`.
    struct Description {
        let entry: TensorEntry
        /// From the beginning of the data.
        let begin: Int
        let end: Int

        init(_ name: String, _ reader: inout JSONReader, _ path: String) throws(Failure) {
            func refused(_ what: String) -> Failure {
                Failure(.badData, path, "the tensor \"\(printable(name))\" \(what)")
            }
            func integers(
                _ reader: inout JSONReader,
                _ field: String,
                atMost count: Int
            ) throws(Failure) -> [Int] {
                guard try reader.next() == UInt8(ascii: "[") else {
                    throw refused("has a \(field) that is no list")
                }
                var integers: [Int] = []
                try reader.array { (reader) throws(Failure) in
                    guard (0x30...0x39).contains(try reader.next()),
                        case .integer(let integer) = try reader.number()
                    else {
                        throw refused("has a \(field) that holds other than whole numbers from 0")
                    }
                    guard integers.count < count else {
                        throw refused("has a \(field) of more than \(count) numbers")
                    }
                    integers.append(integer)
                }
                return integers
            }

            guard !name.isEmpty else {
                throw Failure(.badData, path, "the header has a tensor without a name")
            }
            guard try reader.next() == UInt8(ascii: "{") else {
                throw refused("is described by something other than an object")
            }
            var type: ElementType?
            var dimensions: [Int]?
            var offsets: [Int]?
            try reader.object { (reader, field) throws(Failure) in
                switch field {
                case "dtype":
                    guard try reader.next() == UInt8(ascii: "\"") else {
                        throw refused("has a dtype that is no text")
                    }
                    let text = try reader.string()
                    type = ElementType(safetensorsName: text)
                    guard type != nil else {
                        throw refused("has elements of the unknown type \"\(printable(text))\"")
                    }
                case "shape":
                    dimensions = try integers(&reader, field, atMost: maximumRank)
                case "data_offsets":
                    offsets = try integers(&reader, field, atMost: 2)
                default: throw refused("has the unknown field \"\(printable(field))\"")
                }
            }
            guard let type else { throw refused("has no dtype") }
            guard let dimensions else { throw refused("has no shape") }
            guard let offsets, offsets.count == 2 else { throw refused("has no two data_offsets") }
            (begin, end) = (offsets[0], offsets[1])
            guard begin <= end else {
                throw refused("ends at \(end), before it begins at \(begin)")
            }
            guard let byteCount = checkedByteCount(dimensions, type) else {
                throw refused("has more elements than can be counted: \(dimensions)")
            }
            entry = TensorEntry(name: name, shape: Shape(dimensions), elementType: type)
            guard byteCount == end - begin else {
                throw refused(
                    "of shape \(entry.shape) and type \(type.safetensorsName) takes \(byteCount) "
                        + "bytes, but its data_offsets span \(end - begin)"
                )
            }
        }

        /// Checks that the tensor follows what ends at `position`.
        func check(after position: Int, _ path: String) throws(Failure) {
            guard begin != position else { return }
            let name = printable(entry.name)
            throw Failure(
                .badData,
                path,
                begin < position
                    ? "the tensor \"\(name)\" begins at byte \(begin) of the data, inside the tensor "
                        + "before it, which ends at \(position)"
                    : "bytes \(position) to \(begin) of the data, before the tensor \"\(name)\", "
                        + "belong to no tensor"
            )
        }
    }
}
