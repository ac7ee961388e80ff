import Checkpoints
import Diagnostics
import Foundation
import Tensors

/// Finds the initializers of a written model by its own bytes, knowing nothing of how they were laid out.
struct ONNXReader {
    private let url: URL
    private let file: OpenFile

    static func open(_ url: URL) throws(Failure) -> ExportedStore {
        let reader = ONNXReader(url: url, file: try OpenFile(path: url.path))
        return ExportedStore(url, layout: "ONNX", try reader.initializers())
    }

    private enum Field {
        case number(UInt64)
        case bytes(Range<Int>)
        case other
    }

    private static func next(_ cursor: inout FileCursor) throws(Failure) -> (UInt64, Field) {
        let tag = try cursor.varint()
        switch tag & 7 {
        case 0: return (tag >> 3, .number(try cursor.varint()))
        case 1:
            try cursor.skip(8)
            return (tag >> 3, .other)
        case 2:
            guard let count = Int(exactly: try cursor.varint()) else {
                throw cursor.problem("it has a length that is none")
            }
            let start = cursor.position
            try cursor.skip(count)
            return (tag >> 3, .bytes(start..<start + count))
        case 5:
            try cursor.skip(4)
            return (tag >> 3, .other)
        default: throw cursor.problem("it has a field of the unknown wire type \(tag & 7)")
        }
    }

    private func initializers() throws(Failure) -> [(entry: TensorEntry, extent: FileExtent)] {
        var model = FileCursor(file, 0..<file.byteCount)
        var found: [(entry: TensorEntry, extent: FileExtent)] = []
        var external: OpenFile?
        while !model.isAtEnd {
            guard case (7, .bytes(let range)) = try Self.next(&model) else { continue }
            var graph = FileCursor(file, range)
            while !graph.isAtEnd {
                guard case (5, .bytes(let range)) = try Self.next(&graph) else { continue }
                found.append(try tensor(range, &external))
            }
        }
        return found
    }

    private func tensor(
        _ range: Range<Int>,
        _ external: inout OpenFile?
    ) throws(Failure) -> (entry: TensorEntry, extent: FileExtent) {
        var cursor = FileCursor(file, range)
        var dimensions: [Int] = []
        var type: ElementType?
        var name = ""
        var place: Range<Int>?
        var elsewhere: [String: String] = [:]
        while !cursor.isAtEnd {
            switch try Self.next(&cursor) {
            case (1, .number(let size)): dimensions.append(Int(size))
            case (2, .number(let code)):
                type = ONNXGraph.DataType(rawValue: Int(code))?.elementType
            case (8, .bytes(let range)):
                name = String(decoding: try file.bytes(range), as: UTF8.self)
            case (9, .bytes(let range)): place = range
            case (13, .bytes(let range)):
                let (key, value) = try pair(range)
                elsewhere[key] = value
            default: continue
            }
        }
        guard let type else { throw cursor.problem("\(printable(name)) has no known type") }
        let entry = TensorEntry(name: name, shape: Shape(dimensions), elementType: type)
        if let location = elsewhere["location"], let offset = Int(elsewhere["offset"] ?? "") {
            let data: OpenFile
            if let external {
                data = external
            } else {
                let folder = url.deletingLastPathComponent()
                data = try OpenFile(path: folder.appending(path: location).path)
                external = data
            }
            return (entry, FileExtent(file: data, offset: offset))
        }
        guard let place, place.count == entry.byteCount else {
            throw cursor.problem("\(printable(name)) does not have its bytes")
        }
        return (entry, FileExtent(file: file, offset: place.lowerBound))
    }

    private func pair(_ range: Range<Int>) throws(Failure) -> (String, String) {
        var cursor = FileCursor(file, range)
        var texts = ["", ""]
        while !cursor.isAtEnd {
            guard case (let number, .bytes(let range)) = try Self.next(&cursor), number <= 2,
                number > 0
            else { continue }
            texts[Int(number) - 1] = String(decoding: try file.bytes(range), as: UTF8.self)
        }
        return (texts[0], texts[1])
    }
}

extension ONNXGraph.DataType {
    var elementType: ElementType {
        switch self {
        case .float: .float32
        case .float16: .float16
        case .int8: .int8
        case .uint8: .uint8
        case .int64: .int64
        }
    }
}
