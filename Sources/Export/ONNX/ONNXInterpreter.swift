import Checkpoints
import Diagnostics
import Foundation
import Tensors

/// Computes a written graph in single precision, operator by operator, from the file's own bytes.
///
/// It knows the operators that `GraphBuilder` writes and no others, and is made to be right, not to be the
/// fastest runtime. Sums of products of bytes, which a runtime has in 32-bit integers, are rounded to 24 bits.
final class ONNXInterpreter: Sendable {
    /// A value of the graph. Integers and bytes are floats too: all that occur are below 2²⁴.
    struct Value {
        var tensor: Tensor
        let type: ONNXGraph.DataType

        var dimensions: [Int] { tensor.shape.dimensions }
    }

    let inputs: [String]
    let outputs: [String]
    private let nodes: [ONNXGraph.Node]
    private let constants: [String: Value]
    /// By node, the values that nobody reads after it.
    private let spent: [[String]]

    /// Reads the graph and all its weights.
    ///
    /// - Throws: `Failure` where the file is no model, or has an operator that is not known.
    init(_ url: URL) throws(Failure) {
        let store = try ONNXReader.open(url)
        let graph = try ONNXReader.graph(url)
        (inputs, outputs) = (graph.inputs, graph.outputs)
        var constants: [String: Value] = [:]
        for entry in store.entries {
            constants[entry.name] = try Self.constant(store, entry)
        }
        // What depends on constants alone is computed once.
        var nodes: [ONNXGraph.Node] = []
        for node in graph.nodes {
            guard ONNXOperator(rawValue: node.operation) != nil else {
                throw Failure(
                    .badData,
                    url.relativePath,
                    "the operator \(printable(node.operation)) is not known"
                )
            }
            let values = node.inputs.compactMap { constants[$0] }
            guard values.count == node.inputs.count else {
                nodes.append(node)
                continue
            }
            for (name, value) in zip(node.outputs, Self.compute(node, values)) {
                constants[name] = value
            }
        }
        let used = Set(nodes.flatMap(\.inputs) + graph.outputs)
        self.constants = constants.filter { used.contains($0.key) }
        self.nodes = nodes
        var last: [String: Int] = [:]
        for (index, node) in nodes.enumerated() {
            for name in node.inputs + node.outputs { last[name] = index }
        }
        for name in graph.outputs { last[name] = nil }
        spent = nodes.indices.map { index in last.filter { $0.value == index }.map(\.key) }
    }

    /// The outputs for a batch with padding.
    ///
    /// - Parameter values: of every input, `[B, S]`.
    func run(_ values: [String: Tensor]) -> [String: Tensor] {
        var known = values.mapValues { Value(tensor: $0, type: .int64) }
        for (index, node) in nodes.enumerated() {
            let arguments = node.inputs.map { name in
                guard let value = known[name] ?? constants[name] else {
                    preconditionFailure("\(node.name) reads \(name), which is not there")
                }
                return value
            }
            for (name, value) in zip(node.outputs, Self.compute(node, arguments)) {
                known[name] = value
            }
            for name in spent[index] { known[name] = nil }
        }
        return known.filter { outputs.contains($0.key) }.mapValues(\.tensor)
    }

    private static func constant(
        _ store: ExportedStore,
        _ entry: TensorEntry
    ) throws(Failure) -> Value {
        let stored = try store.bytes(entry)
        let type = ONNXGraph.DataType(entry.elementType)
        let values: [Float] = stored.withUnsafeBytes { bytes in
            switch type {
            case .int64: bytes.bindMemory(to: Int64.self).map { Float($0) }
            case .int8: bytes.bindMemory(to: Int8.self).map { Float($0) }
            case .uint8: bytes.map { Float($0) }
            case .float, .float16:
                [Float](unsafeUninitializedCapacity: entry.shape.count) { floats, count in
                    count = entry.shape.count
                    entry.elementType.decode(
                        bytes,
                        into: UnsafeMutableBufferPointer(rebasing: floats[..<count])
                    )
                }
            }
        }
        return Value(tensor: Tensor(shape: entry.shape, values: values), type: type)
    }

    /// What a node computes; in half precision every result is rounded, as it is where it is stored.
    private static func compute(_ node: ONNXGraph.Node, _ arguments: [Value]) -> [Value] {
        guard let operation = ONNXOperator(rawValue: node.operation) else {
            preconditionFailure("\(node.operation) was checked before")
        }
        return operation.compute(node, arguments).map { value in
            guard value.type == .float16 else { return value }
            var value = value
            let count = value.tensor.values.count
            var half = [UInt8](repeating: 0, count: 2 * count)
            value.tensor.values.withUnsafeMutableBufferPointer { floats in
                half.withUnsafeMutableBytes { half in
                    _ = ElementType.float16.encode(UnsafeBufferPointer(floats), into: half)
                    ElementType.float16.decode(UnsafeRawBufferPointer(half), into: floats)
                }
            }
            return value
        }
    }
}

extension ONNXGraph.DataType {
    /// - Precondition: it is one that `elementType` gives.
    init(_ type: ElementType) {
        switch type {
        case .float32: self = .float
        case .float16: self = .float16
        case .int8: self = .int8
        case .uint8: self = .uint8
        case .int64: self = .int64
        default: preconditionFailure("no graph has \(type.rawValue)")
        }
    }
}

extension ONNXGraph.Node {
    func integer(_ name: String) -> Int? {
        for case (name, .int(let value)) in attributes { return value }
        return nil
    }

    func integers(_ name: String) -> [Int]? {
        for case (name, .ints(let values)) in attributes { return values }
        return nil
    }

    func float(_ name: String) -> Float? {
        for case (name, .float(let value)) in attributes { return value }
        return nil
    }
}
