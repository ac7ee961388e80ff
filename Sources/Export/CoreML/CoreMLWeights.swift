import Tensors

/// `weight.bin`: a header of 64 bytes, then of each tensor a description of 64 bytes and its values, both at
/// multiples of 64 (MILBlob's StorageFormat.hpp).
struct CoreMLWeights {
    static let sentinel: UInt32 = 0xDEAD_BEEF
    static let version: UInt32 = 2
    static let alignment = 64

    /// BlobDataType.
    enum DataType: UInt32 {
        case float16 = 1
        case float32 = 2

        var elementType: ElementType {
            switch self {
            case .float16: .float16
            case .float32: .float32
            }
        }
    }

    private var tensors: [(name: String, type: DataType, byteCount: Int)] = []
    private var byteCount = CoreMLWeights.alignment

    /// Leaves room for a tensor and gives the place of its description.
    ///
    /// - Precondition: the type is binary16 or binary32.
    mutating func reserve(_ name: String, _ type: ElementType, _ shape: Shape) -> Int {
        let offset = byteCount
        let count = shape.count * type.byteCount
        tensors.append((name, type == .float16 ? .float16 : .float32, count))
        byteCount = Self.aligned(offset + Self.alignment + count)
        return offset
    }

    private static func aligned(_ count: Int) -> Int {
        (count + alignment - 1) / alignment * alignment
    }

    var layout: FileLayout {
        var layout = FileLayout()
        var header: [UInt8] = []
        header.add(UInt32(tensors.count))
        header.add(Self.version)
        layout.append(Self.filled(header))
        for (name, type, count) in tensors {
            let padding = Self.aligned(layout.byteCount) - layout.byteCount
            let start = layout.byteCount + padding + Self.alignment
            var description = [UInt8](repeating: 0, count: padding)
            description.add(Self.sentinel)
            description.add(type.rawValue)
            description.add(UInt64(count))
            description.add(UInt64(start))
            layout.append(Self.filled(description, to: padding + Self.alignment))
            layout.reserve(name, byteCount: count)
        }
        return layout
    }

    private static func filled(_ bytes: [UInt8], to count: Int = alignment) -> [UInt8] {
        bytes + [UInt8](repeating: 0, count: count - bytes.count)
    }
}
