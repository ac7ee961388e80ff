import Bert

/// A program as Core ML's `Model` message (Model.proto, MIL.proto), which is small: weights lie beside it.
struct CoreMLFile {
    static let weightsName = "@model_path/weights/weight.bin"

    let bytes: [UInt8]

    /// - Parameters:
    ///   - lengths: what S may be.
    ///   - labels: the classes in the order of the outputs, which no field of a program has.
    init(_ program: MILProgram, lengths: [Int], labels: [String], version: String) {
        var model = ProtobufMessage()
        model.add(1, program.opset.specificationVersion)
        var description = ProtobufMessage()
        for input in program.inputs { description.add(1, Self.feature(input, lengths)) }
        for output in program.outputs { description.add(10, Self.feature(output, lengths)) }
        var metadata = ProtobufMessage()
        for (key, value) in [
            ("producer", "bertkit \(version)"), ("classes", labels.joined(separator: ",")),
        ] where !value.isEmpty {
            metadata.add(100, Self.entry(key) { $0.add(2, value) })
        }
        description.add(100, metadata)
        model.add(2, description)
        model.add(502, Self.message(program))
        bytes = model.bytes
    }

    /// An entry of a map.
    private static func entry(
        _ key: String,
        _ value: (inout ProtobufMessage) -> Void
    ) -> ProtobufMessage {
        var entry = ProtobufMessage()
        entry.add(1, key)
        value(&entry)
        return entry
    }

    // MARK: The interface

    /// FeatureDescription of an array; a free extent is the longest length, and the others are listed.
    private static func feature(_ value: MILProgram.Value, _ lengths: [Int]) -> ProtobufMessage {
        func shape(_ length: Int) -> [Int] { value.type.dimensions.map { $0 ?? length } }
        var array = ProtobufMessage()
        for size in shape(lengths[lengths.count - 1]) { array.add(1, size) }
        // ArrayDataType.
        array.add(2, value.type.data == .int32 ? 131_104 : 65_568)
        let isInput = value.type.data == .int32
        if isInput, lengths.count > 1 {
            var shapes = ProtobufMessage()
            for length in lengths {
                var one = ProtobufMessage()
                for size in shape(length) { one.add(1, size) }
                shapes.add(1, one)
            }
            array.add(21, shapes)
        }
        var type = ProtobufMessage()
        type.add(5, array)
        var feature = ProtobufMessage()
        feature.add(1, value.name)
        feature.add(3, type)
        return feature
    }

    // MARK: The program

    private static func message(_ program: MILProgram) -> ProtobufMessage {
        var block = ProtobufMessage()
        for output in program.outputs { block.add(2, output.name) }
        for operation in program.operations { block.add(3, message(operation)) }
        var function = ProtobufMessage()
        for input in program.inputs { function.add(1, message(input)) }
        function.add(2, program.opset.rawValue)
        function.add(3, entry(program.opset.rawValue) { $0.add(2, block) })
        var message = ProtobufMessage()
        message.add(1, 1)
        message.add(2, entry("main") { $0.add(2, function) })
        return message
    }

    private static func message(_ operation: MILProgram.Operation) -> ProtobufMessage {
        var message = ProtobufMessage()
        let result: MILProgram.Value
        switch operation {
        case .constant(let value, let content):
            result = value
            message.add(1, "const")
            message.add(3, Self.message(value))
            message.add(5, entry("val") { $0.add(2, immediate(content)) })
        case .weight(let value, let offset):
            result = value
            message.add(1, "const")
            message.add(3, Self.message(value))
            var file = ProtobufMessage()
            file.add(1, weightsName)
            file.add(2, offset)
            var stored = ProtobufMessage()
            stored.add(2, Self.message(value.type))
            stored.add(5, file)
            message.add(5, entry("val") { $0.add(2, stored) })
        case .call(let type, let inputs, let value):
            result = value
            message.add(1, type)
            for (name, value) in inputs {
                var binding = ProtobufMessage()
                binding.add(1, value)
                var argument = ProtobufMessage()
                argument.add(1, binding)
                message.add(2, entry(name) { $0.add(2, argument) })
            }
            message.add(3, Self.message(value))
        }
        message.add(5, entry("name") { $0.add(2, immediate(.text(result.name))) })
        return message
    }

    private static func message(_ value: MILProgram.Value) -> ProtobufMessage {
        var message = ProtobufMessage()
        message.add(1, value.name)
        message.add(2, Self.message(value.type))
        return message
    }

    /// ValueType of a tensor.
    private static func message(_ type: MILProgram.TensorType) -> ProtobufMessage {
        var tensor = ProtobufMessage()
        tensor.add(1, type.data.rawValue)
        if !type.dimensions.isEmpty { tensor.add(2, type.dimensions.count) }
        for size in type.dimensions {
            var extent = ProtobufMessage()
            if let size { extent.add(1, size) }
            var dimension = ProtobufMessage()
            dimension.add(size == nil ? 2 : 1, extent)
            tensor.add(3, dimension)
        }
        var message = ProtobufMessage()
        message.add(1, tensor)
        return message
    }

    /// Value with its content in the message.
    private static func immediate(_ content: MILProgram.Content) -> ProtobufMessage {
        var values = ProtobufMessage()
        let kind: Int
        switch content {
        case .float(let number):
            kind = 1
            values.add(1, number)
        case .integer(let number):
            kind = 2
            values.add(1, number)
        case .integers(let numbers):
            kind = 2
            for number in numbers { values.add(1, number) }
        case .bool(let flag):
            kind = 3
            values.add(1, flag ? 1 : 0)
        case .bools(let flags):
            kind = 3
            for flag in flags { values.add(1, flag ? 1 : 0) }
        case .text(let text):
            kind = 4
            values.add(1, text)
        case .half(let bits):
            kind = 7
            values.add(1, bytes: [UInt8(truncatingIfNeeded: bits), UInt8(bits >> 8)])
        }
        var tensor = ProtobufMessage()
        tensor.add(kind, values)
        var inside = ProtobufMessage()
        inside.add(1, tensor)
        var message = ProtobufMessage()
        message.add(2, Self.message(content.type))
        message.add(3, inside)
        return message
    }
}
