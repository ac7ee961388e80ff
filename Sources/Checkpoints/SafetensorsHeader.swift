import Diagnostics
import Tensors

/// The header of a safetensors file, checked against the file.
struct SafetensorsHeader {
    /// The bound of the reference library.
    static let maximumByteCount = 100_000_000
    /// Far more than any model has.
    private static let maximumTensorCount = 100_000
    private static let maximumNameByteCount = 1024

    struct TensorPlace {
        let entry: TensorEntry
        /// In the file.
        let offset: Int
    }

    private(set) var metadata: [String: String] = [:]
    /// By offset.
    let tensors: [TensorPlace]

    init(_ file: OpenFile) throws(Failure) {
        let header = try Self.bytes(file)
        let dataStart = 8 + header.count
        var reader = JSONReader(header, source: file.path)
        var described: [Description] = []
        var metadata: [String: String] = [:]
        try reader.object { (reader, name) throws(Failure) in
            if name == "__metadata__" {
                metadata = try Self.metadata(&reader, file.path)
            } else {
                guard name.utf8.count <= Self.maximumNameByteCount else {
                    throw Failure(
                        .badData,
                        file.path,
                        "a tensor's name has \(name.utf8.count) bytes, more than "
                            + "\(Self.maximumNameByteCount)"
                    )
                }
                guard described.count < Self.maximumTensorCount else {
                    throw Failure(
                        .badData,
                        file.path,
                        "the header lists more than \(Self.maximumTensorCount) tensors"
                    )
                }
                described.append(try Description(name, &reader, file.path))
            }
        }
        guard header[reader.position...].allSatisfy({ $0 == 0x20 }) else {
            throw Failure(
                .badData,
                file.path,
                "the header's object is followed by something other than spaces"
            )
        }
        self.metadata = metadata
        described.sort { ($0.begin, $0.end) < ($1.begin, $1.end) }
        var position = 0
        tensors = try described.map { (tensor) throws(Failure) in
            let offset = dataStart + position
            try tensor.check(after: position, file.path)
            position = tensor.end
            return TensorPlace(entry: tensor.entry, offset: offset)
        }
        let dataByteCount = file.byteCount - dataStart
        if position > dataByteCount {
            throw Failure(
                .badData,
                file.path,
                "truncated: the header declares \(position) bytes of tensors, the file has "
                    + "\(dataByteCount)",
                remedy: "Fetch or copy it again"
            )
        }
        guard position == dataByteCount else {
            throw Failure(
                .badData,
                file.path,
                "\(dataByteCount - position) bytes after the last tensor belong to none"
            )
        }
    }

    /// The header's bytes.
    private static func bytes(_ file: OpenFile) throws(Failure) -> [UInt8] {
        guard file.byteCount >= 8 else {
            throw Failure(
                .badData,
                file.path,
                file.byteCount == 0
                    ? "the file is empty"
                    : "truncated: \(file.byteCount) bytes are no safetensors header's length"
            )
        }
        let declared = try file.bytes(0..<8).littleEndian
        guard let length = Int(exactly: declared), length <= maximumByteCount else {
            throw Failure(
                .badData,
                file.path,
                "this is no safetensors file: its header would have \(declared) bytes, more than "
                    + "\(maximumByteCount)"
            )
        }
        guard length >= 2 else {
            throw Failure(.badData, file.path, "a header of \(length) bytes holds no JSON object")
        }
        guard length <= file.byteCount - 8 else {
            throw Failure(
                .badData,
                file.path,
                "truncated: the header has \(length) bytes, the file \(file.byteCount - 8) after "
                    + "the header's length",
                remedy: "Fetch or copy it again"
            )
        }
        let header = try file.bytes(8..<8 + length)
        guard header[0] == UInt8(ascii: "{") else {
            throw Failure(
                .badData,
                file.path,
                "this is no safetensors file: its header does not begin with \"{\""
            )
        }
        return header
    }

    private static func metadata(
        _ reader: inout JSONReader,
        _ path: String
    ) throws(Failure) -> [String: String] {
        var metadata: [String: String] = [:]
        guard try reader.next() == UInt8(ascii: "{") else {
            throw Failure(.badData, path, "the header's __metadata__ is not an object")
        }
        try reader.object { (reader, key) throws(Failure) in
            guard try reader.next() == UInt8(ascii: "\"") else {
                throw Failure(
                    .badData,
                    path,
                    "the header's __metadata__ holds something other than a text under "
                        + "\"\(printable(key))\""
                )
            }
            metadata[key] = try reader.string()
        }
        return metadata
    }
}
