import Checkpoints
import Diagnostics
import Foundation
import Tensors

/// Reads a written model by its own bytes, knowing nothing of how they were laid out.
struct ONNXReader {
    private let url: URL
    private let file: OpenFile

    /// The initializers.
    static func open(_ url: URL) throws(Failure) -> ExportedStore {
        let reader = ONNXReader(url: url, file: try OpenFile(path: url.path))
        return ExportedStore(url, layout: "ONNX", try reader.initializers())
    }

    /// The nodes in their order, and the names of inputs and outputs.
    static func graph(
        _ url: URL
    ) throws(Failure) -> (nodes: [ONNXGraph.Node], inputs: [String], outputs: [String]) {
        let reader = ONNXReader(url: url, file: try OpenFile(path: url.path))
        var nodes: [ONNXGraph.Node] = []
        var (inputs, outputs): ([String], [String]) = ([], [])
        try reader.forEachField { (field, range) throws(Failure) in
            switch field {
            case 1: nodes.append(try reader.node(range))
            case 11: inputs.append(try reader.text(1, of: range))
            case 12: outputs.append(try reader.text(1, of: range))
            default: return
            }
        }
        return (nodes, inputs, outputs)
    }

    /// Every field of the graph that has bytes, by its number.
    private func forEachField(
        _ body: (_ field: UInt64, _ range: Range<Int>) throws(Failure) -> Void
    ) throws(Failure) {
        var model = FileCursor(file, 0..<file.byteCount)
        while !model.isAtEnd {
            guard case (7, .bytes(let range)) = try model.protobufField() else { continue }
            var graph = FileCursor(file, range)
            while !graph.isAtEnd {
                if case (let field, .bytes(let range)) = try graph.protobufField() {
                    try body(field, range)
                }
            }
        }
    }

    private func initializers() throws(Failure) -> [(entry: TensorEntry, extent: FileExtent)] {
        var found: [(entry: TensorEntry, extent: FileExtent)] = []
        var external: OpenFile?
        try forEachField { (field, range) throws(Failure) in
            if field == 5 { found.append(try tensor(range, &external)) }
        }
        return found
    }

    private func node(_ range: Range<Int>) throws(Failure) -> ONNXGraph.Node {
        var cursor = FileCursor(file, range)
        var (inputs, outputs): ([String], [String]) = ([], [])
        var (name, operation) = ("", "")
        var attributes: [(name: String, value: ONNXGraph.Attribute)] = []
        while !cursor.isAtEnd {
            guard case (let field, .bytes(let range)) = try cursor.protobufField() else { continue }
            switch field {
            case 1: inputs.append(try text(range))
            case 2: outputs.append(try text(range))
            case 3: name = try text(range)
            case 4: operation = try text(range)
            case 5: attributes.append(try attribute(range))
            default: continue
            }
        }
        return ONNXGraph.Node(
            operation: operation,
            name: name,
            inputs: inputs,
            outputs: outputs,
            attributes: attributes
        )
    }

    private func attribute(
        _ range: Range<Int>
    ) throws(Failure) -> (name: String, value: ONNXGraph.Attribute) {
        var cursor = FileCursor(file, range)
        var name = ""
        var value: ONNXGraph.Attribute?
        var integers: [Int] = []
        while !cursor.isAtEnd {
            switch try cursor.protobufField() {
            case (1, .bytes(let range)): name = try text(range)
            case (2, .single(let number)): value = .float(number)
            case (3, .number(let number)): value = .int(Int(Int64(bitPattern: number)))
            case (8, .number(let number)): integers.append(Int(Int64(bitPattern: number)))
            default: continue
            }
        }
        return (name, value ?? .ints(integers))
    }

    private func text(_ range: Range<Int>) throws(Failure) -> String {
        String(decoding: try file.bytes(range), as: UTF8.self)
    }

    /// A field of a message that is a text; empty where it has none.
    private func text(_ wanted: UInt64, of range: Range<Int>) throws(Failure) -> String {
        var cursor = FileCursor(file, range)
        while !cursor.isAtEnd {
            if case (wanted, .bytes(let range)) = try cursor.protobufField() {
                return try text(range)
            }
        }
        return ""
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
            switch try cursor.protobufField() {
            case (1, .number(let size)): dimensions.append(Int(size))
            case (2, .number(let code)):
                type = ONNXGraph.DataType(rawValue: Int(code))?.elementType
            case (8, .bytes(let range)):
                name = try text(range)
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
            guard case (let number, .bytes(let range)) = try cursor.protobufField(), number <= 2,
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
