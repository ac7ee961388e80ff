import Checkpoints
import Diagnostics
import Foundation
import Tensors

/// Finds the tensors of a written GGUF file by its own bytes.
enum GGUFReader {
    static func open(_ url: URL) throws(Failure) -> ExportedStore {
        let file = try OpenFile(path: url.path)
        var cursor = FileCursor(file, 0..<file.byteCount)
        let magic = Array(try cursor.bytes(4))
        let version = try cursor.number(byteCount: 4)
        guard magic == GGUFHeader.magic, version == UInt64(GGUFHeader.version) else {
            throw cursor.problem("it does not begin as GGUF does")
        }
        let tensorCount = try count(&cursor)
        for _ in 0..<(try count(&cursor)) {
            try cursor.skip(count(&cursor))
            let type = try cursor.number(byteCount: 4)
            try skip(type, &cursor)
        }
        var found: [(name: String, dimensions: [Int], type: UInt64, offset: Int)] = []
        for _ in 0..<tensorCount {
            let name = try cursor.text(count(&cursor))
            var dimensions: [Int] = []
            for _ in 0..<(try cursor.number(byteCount: 4)) { dimensions.append(try count(&cursor)) }
            let type = try cursor.number(byteCount: 4)
            found.append((name, dimensions.reversed(), type, try count(&cursor)))
        }
        let data =
            (cursor.position + GGUFHeader.alignment - 1) / GGUFHeader.alignment
            * GGUFHeader.alignment
        var tensors: [(entry: TensorEntry, extent: FileExtent)] = []
        for tensor in found {
            guard let type = GGUFHeader.TensorType(rawValue: Int(tensor.type)) else {
                throw cursor.problem("\(printable(tensor.name)) has no known type")
            }
            let entry = TensorEntry(
                name: tensor.name,
                shape: Shape(type.stored(tensor.dimensions)),
                elementType: type.elementType
            )
            let extent = FileExtent(file: file, offset: data + tensor.offset)
            guard extent.offset + entry.byteCount <= file.byteCount else {
                throw cursor.problem("it is cut short")
            }
            tensors.append((entry, extent))
        }
        return ExportedStore(url, layout: "GGUF", tensors)
    }

    private static func count(_ cursor: inout FileCursor) throws(Failure) -> Int {
        guard let count = Int(exactly: try cursor.number(byteCount: 8)) else {
            throw cursor.problem("it has a length that is none")
        }
        return count
    }

    /// Passes over a value of the metadata.
    private static func skip(_ type: UInt64, _ cursor: inout FileCursor) throws(Failure) {
        switch type {
        case 0, 1, 7: try cursor.skip(1)
        case 2, 3: try cursor.skip(2)
        case 4, 5, 6: try cursor.skip(4)
        case 10, 11, 12: try cursor.skip(8)
        case 8: try cursor.skip(count(&cursor))
        case 9:
            let inner = try cursor.number(byteCount: 4)
            for _ in 0..<(try count(&cursor)) { try skip(inner, &cursor) }
        default: throw cursor.problem("its metadata have a value of the unknown type \(type)")
        }
    }
}

extension GGUFHeader.TensorType {
    var elementType: ElementType {
        switch self {
        case .float32: .float32
        case .float16: .float16
        case .q8: .uint8
        }
    }

    /// The shape of what lies in the file: blocks are bytes.
    func stored(_ dimensions: [Int]) -> [Int] {
        guard self == .q8, let columns = dimensions.last else { return dimensions }
        return dimensions.dropLast()
            + [columns / Rounding.blockLength * Rounding.blockByteCount]
    }
}
