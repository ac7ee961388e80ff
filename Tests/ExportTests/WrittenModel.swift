import Foundation
import Tensors

/// A written `model.onnx`, read by the field numbers of onnx.proto.
struct WrittenModel {
    struct Node {
        let operation: String
        let name: String
        let inputs: [String]
        let outputs: [String]
        let attributes: [String: WireMessage]

        func integer(_ name: String) -> Int? { attributes[name]?.numbers(3).first }
        func integers(_ name: String) -> [Int]? { attributes[name]?.numbers(8) }
        func single(_ name: String) -> Float? { attributes[name]?.single(2) }
    }

    struct Initializer {
        let name: String
        let type: Int
        let dimensions: [Int]
        let raw: ArraySlice<UInt8>
        let external: [String: String]

        var numbers: [Double] {
            let bytes = Array(raw)
            func load<Number>(_ type: Number.Type) -> [Number] {
                bytes.withUnsafeBytes { Array($0.bindMemory(to: type)) }
            }
            switch type {
            case 1: return load(Float.self).map(Double.init)
            case 2: return bytes.map(Double.init)
            case 3: return load(Int8.self).map(Double.init)
            case 7: return load(Int64.self).map(Double.init)
            case 10:
                var floats = [Float](repeating: 0, count: bytes.count / 2)
                bytes.withUnsafeBytes { bytes in
                    floats.withUnsafeMutableBufferPointer {
                        ElementType.float16.decode(bytes, into: $0)
                    }
                }
                return floats.map(Double.init)
            default: return []
            }
        }
    }

    struct Value: Equatable {
        let name: String
        let type: Int
        /// Sizes, and names of those that are free.
        let dimensions: [String]
    }

    let message: WireMessage
    let nodes: [Node]
    let initializers: [Initializer]
    let inputs: [Value]
    let outputs: [Value]

    init(_ url: URL) throws {
        message = try WireMessage([UInt8](Data(contentsOf: url))[...])
        let graph = try message.messages(7)[0]
        nodes = try graph.messages(1).map { node in
            var attributes: [String: WireMessage] = [:]
            for attribute in try node.messages(5) { attributes[attribute.texts(1)[0]] = attribute }
            return Node(
                operation: node.texts(4)[0],
                name: node.texts(3)[0],
                inputs: node.texts(1),
                outputs: node.texts(2),
                attributes: attributes
            )
        }
        initializers = try graph.messages(5).map { tensor in
            var external: [String: String] = [:]
            for entry in try tensor.messages(13) { external[entry.texts(1)[0]] = entry.texts(2)[0] }
            return Initializer(
                name: tensor.texts(8)[0],
                type: tensor.numbers(2)[0],
                dimensions: tensor.numbers(1),
                raw: tensor.bytes(9).first ?? [],
                external: external
            )
        }
        func values(_ field: Int) throws -> [Value] {
            try graph.messages(field).map { value in
                let tensor = try value.messages(2)[0].messages(1)[0]
                let dimensions = try tensor.messages(2)[0].messages(1).map { dimension in
                    dimension.texts(2).first ?? String(dimension.numbers(1)[0])
                }
                return Value(
                    name: value.texts(1)[0],
                    type: tensor.numbers(1)[0],
                    dimensions: dimensions
                )
            }
        }
        inputs = try values(11)
        outputs = try values(12)
    }

    func initializer(_ name: String) -> Initializer? { initializers.first { $0.name == name } }
}
