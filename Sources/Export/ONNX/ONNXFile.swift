/// Where everything lies in a file of ONNX: the bytes that are settled, and the places of weights.
///
/// A ModelProto is one message, so that its lengths have to be known before the weights are: they are, from
/// shapes and types alone, and weights can then be written in any order.
struct ONNXFile {
    /// The most bytes of one message: Protocol Buffers count them in 31 bits.
    static let longestMessage = Int(Int32.max)
    /// The file of weights beside the model's, where they do not fit into it.
    static let externalName = "model.onnx_data"
    /// Weights of an external file begin at a page, so that they can be mapped.
    private static let externalAlignment = 4096
    /// Shorter tensors stay in the model's file, where shape inference sees them.
    private static let leastExternal = 1024

    /// The model's file.
    private(set) var layout = FileLayout()
    /// The file of weights; empty where everything is in the model's.
    private(set) var external = FileLayout()

    /// - Parameter longest: the most bytes of a message with the weights inside.
    init(_ graph: ONNXGraph, version: String, longest: Int = Self.longestMessage) {
        let weights = graph.initializers.reduce(0) { $0 + $1.byteCount }
        // Names, shapes and nodes take less than a megabyte of this.
        let isExternal = weights > longest - (64 << 20)
        var head = ProtobufMessage()
        head.add(1, Self.intermediateRepresentation)
        head.add(2, "bertkit")
        head.add(3, version)
        var body = ProtobufMessage()
        for node in graph.nodes { body.add(1, Self.message(node)) }
        body.add(2, graph.name)
        var pieces: [(header: [UInt8], initializer: ONNXGraph.Initializer, isExternal: Bool)] = []
        for initializer in graph.initializers {
            let goesOut =
                isExternal && initializer.content == nil
                && initializer.byteCount >= Self.leastExternal
            pieces.append((header(initializer, goesOut), initializer, goesOut))
        }
        var tail = ProtobufMessage()
        for value in graph.inputs { tail.add(11, Self.message(value)) }
        for value in graph.outputs { tail.add(12, Self.message(value)) }
        let graphByteCount =
            body.bytes.count + tail.bytes.count
            + pieces.reduce(0) {
                $0 + $1.header.count + ($1.isExternal ? 0 : $1.initializer.byteCount)
            }
        head.beginBytes(7, byteCount: graphByteCount)
        layout.append(head.bytes + body.bytes)
        for piece in pieces {
            layout.append(piece.header)
            guard !piece.isExternal else { continue }
            if let content = piece.initializer.content {
                layout.append(content)
            } else {
                layout.reserve(piece.initializer.name, byteCount: piece.initializer.byteCount)
            }
        }
        layout.append(tail.bytes)
        var operators = ProtobufMessage()
        operators.add(1, "")
        operators.add(2, Self.operatorSet)
        var end = ProtobufMessage()
        end.add(8, operators)
        layout.append(end.bytes)
    }

    /// opset 18, which is the exporters' usual one, and the version of the format that came with it.
    static let operatorSet = 18
    private static let intermediateRepresentation = 8

    /// The initializer's field of the graph up to its raw bytes, or whole where those are elsewhere.
    private mutating func header(
        _ initializer: ONNXGraph.Initializer,
        _ isExternal: Bool
    ) -> [UInt8] {
        var tensor = ProtobufMessage()
        for dimension in initializer.dimensions { tensor.add(1, dimension) }
        tensor.add(2, initializer.type.rawValue)
        tensor.add(8, initializer.name)
        var field = ProtobufMessage()
        guard !isExternal else {
            let offset = external.reserve(
                initializer.name,
                byteCount: initializer.byteCount,
                alignment: Self.externalAlignment
            )
            for (key, value) in [
                ("location", Self.externalName), ("offset", String(offset)),
                ("length", String(initializer.byteCount)),
            ] {
                var entry = ProtobufMessage()
                entry.add(1, key)
                entry.add(2, value)
                tensor.add(13, entry)
            }
            tensor.add(14, 1)
            field.add(5, tensor)
            return field.bytes
        }
        tensor.beginBytes(9, byteCount: initializer.byteCount)
        field.beginBytes(5, byteCount: tensor.bytes.count + initializer.byteCount)
        return field.bytes + tensor.bytes
    }

    private static func message(_ node: ONNXGraph.Node) -> ProtobufMessage {
        var message = ProtobufMessage()
        for input in node.inputs { message.add(1, input) }
        for output in node.outputs { message.add(2, output) }
        message.add(3, node.name)
        message.add(4, node.operation)
        for (name, value) in node.attributes {
            var attribute = ProtobufMessage()
            attribute.add(1, name)
            switch value {
            case .float(let number):
                attribute.add(2, number)
                attribute.add(20, 1)
            case .int(let number):
                attribute.add(3, number)
                attribute.add(20, 2)
            case .ints(let numbers):
                for number in numbers { attribute.add(8, number) }
                attribute.add(20, 7)
            }
            message.add(5, attribute)
        }
        return message
    }

    private static func message(_ value: ONNXGraph.Value) -> ProtobufMessage {
        var shape = ProtobufMessage()
        for dimension in value.dimensions {
            var message = ProtobufMessage()
            switch dimension {
            case .fixed(let size): message.add(1, size)
            case .named(let name): message.add(2, name)
            }
            shape.add(1, message)
        }
        var tensor = ProtobufMessage()
        tensor.add(1, value.type.rawValue)
        tensor.add(2, shape)
        var type = ProtobufMessage()
        type.add(1, tensor)
        var message = ProtobufMessage()
        message.add(1, value.name)
        message.add(2, type)
        return message
    }
}
