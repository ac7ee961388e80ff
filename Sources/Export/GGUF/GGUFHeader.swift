import Foundation

/// The front of a GGUF file, version 3: metadata and the tensors' names, shapes, types and places
/// (ggml's docs/gguf.md).
struct GGUFHeader {
    /// A value of the metadata, of the types that are needed.
    enum Value {
        case uint32(Int)
        case int32s([Int32])
        case float32(Float)
        case bool(Bool)
        case string(String)
        case strings([String])
    }

    /// gguf_metadata_value_type.
    fileprivate enum ValueType: UInt32 {
        case uint32 = 4
        case int32 = 5
        case float32 = 6
        case bool = 7
        case string = 8
        case array = 9
    }

    /// ggml_type.
    enum TensorType: Int {
        case float32 = 0
        case float16 = 1
        case q8 = 8
    }

    /// Data begins at multiples of this.
    static let alignment = 32
    static let magic = Array("GGUF".utf8)
    static let version = 3

    var metadata: [(key: String, value: Value)] = []
    /// Names, with dimensions as they are in memory, outermost first.
    var tensors: [(name: String, dimensions: [Int], type: TensorType, byteCount: Int)] = []

    /// The whole file: the header, and a place for each tensor.
    var layout: FileLayout {
        var bytes = Self.magic
        bytes.add(UInt32(Self.version))
        bytes.add(UInt64(tensors.count))
        bytes.add(UInt64(metadata.count))
        for (key, value) in metadata {
            bytes.add(key)
            bytes.add(value)
        }
        func aligned(_ count: Int) -> Int {
            (count + Self.alignment - 1) / Self.alignment * Self.alignment
        }
        var offset = 0
        for tensor in tensors {
            bytes.add(tensor.name)
            bytes.add(UInt32(tensor.dimensions.count))
            // The innermost first.
            for size in tensor.dimensions.reversed() { bytes.add(UInt64(size)) }
            bytes.add(UInt32(tensor.type.rawValue))
            bytes.add(UInt64(offset))
            offset = aligned(offset + tensor.byteCount)
        }
        bytes += [UInt8](repeating: 0, count: aligned(bytes.count) - bytes.count)
        var layout = FileLayout()
        layout.append(bytes)
        for tensor in tensors {
            layout.reserve(
                tensor.name,
                byteCount: tensor.byteCount,
                alignment: Self.alignment
            )
        }
        layout.append([UInt8](repeating: 0, count: aligned(layout.byteCount) - layout.byteCount))
        return layout
    }
}

extension [UInt8] {
    /// A number, the least significant byte first.
    mutating func add<Number: FixedWidthInteger>(_ number: Number) {
        Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
    }

    fileprivate mutating func add(_ text: String) {
        add(UInt64(text.utf8.count))
        append(contentsOf: text.utf8)
    }

    /// The type's number and the value.
    fileprivate mutating func add(_ value: GGUFHeader.Value) {
        switch value {
        case .uint32(let number):
            add(GGUFHeader.ValueType.uint32.rawValue)
            add(UInt32(number))
        case .float32(let number):
            add(GGUFHeader.ValueType.float32.rawValue)
            add(number.bitPattern)
        case .bool(let flag):
            add(GGUFHeader.ValueType.bool.rawValue)
            append(flag ? 1 : 0)
        case .string(let text):
            add(GGUFHeader.ValueType.string.rawValue)
            add(text)
        case .strings(let texts):
            add(GGUFHeader.ValueType.array.rawValue)
            add(GGUFHeader.ValueType.string.rawValue)
            add(UInt64(texts.count))
            for text in texts { add(text) }
        case .int32s(let numbers):
            add(GGUFHeader.ValueType.array.rawValue)
            add(GGUFHeader.ValueType.int32.rawValue)
            add(UInt64(numbers.count))
            for number in numbers { add(number) }
        }
    }
}
