import Bert
import Tensors

/// Builds a graph node by node, and keeps a list of the weights that it refers to.
struct GraphBuilder {
    let configuration: BertConfiguration
    let weights: ONNXWeights
    /// The type of everything that is not rounded to bytes.
    let type: ONNXGraph.DataType
    private(set) var graph: ONNXGraph
    private(set) var tensors: [PlannedTensor] = []

    /// PyTorch's keys by canonical name, which the weights keep.
    private let keys: [String: String]
    private let shapes: [String: Shape]
    private var names: Set<String> = []
    /// What became of the values that were rounded to bytes, which several products may share.
    private var dynamic: [String: DynamicInput] = [:]
    private var restored: [String: RestoredInput] = [:]
    private struct RestoredInput {
        let value: String
        let magnitudes: String
    }

    private struct DynamicInput {
        let bytes: String
        let scale: String
        let zeroPoint: String
        /// What every token's values were divided by.
        let magnitudes: String
    }

    init(_ configuration: BertConfiguration, keys: [String: String], weights: ONNXWeights) {
        self.configuration = configuration
        self.keys = keys
        self.weights = weights
        type = weights == .float16 ? .float16 : .float
        graph = ONNXGraph(name: "main_graph")
        shapes = Dictionary(
            uniqueKeysWithValues: BertParameters<Shape>(configuration).leaves.map {
                ($0.name, $0.leaf)
            }
        )
    }

    // MARK: Values

    mutating func input(_ name: String) -> String {
        let dimensions: [ONNXGraph.Dimension] = [.named("batch_size"), .named("sequence_length")]
        graph.inputs.append(.init(name: name, type: .int64, dimensions: dimensions))
        return name
    }

    /// Makes a value an output of the graph, in single precision whatever it was computed in.
    mutating func output(
        _ value: String,
        as name: String,
        _ dimensions: [ONNXGraph.Dimension]
    ) {
        if type == .float {
            rename(value, to: name)
        } else {
            let cast = node(
                "Cast",
                [value],
                at: "/\(name)",
                [("to", .int(ONNXGraph.DataType.float.rawValue))]
            )
            rename(cast, to: name)
        }
        graph.outputs.append(.init(name: name, type: .float, dimensions: dimensions))
    }

    private mutating func rename(_ value: String, to name: String) {
        func renamed(_ names: [String]) -> [String] { names.map { $0 == value ? name : $0 } }
        graph.nodes = graph.nodes.map { node in
            ONNXGraph.Node(
                operation: node.operation,
                name: node.name,
                inputs: renamed(node.inputs),
                outputs: renamed(node.outputs),
                attributes: node.attributes
            )
        }
    }

    // MARK: Nodes

    /// Adds a node with one output and gives the output's name.
    mutating func node(
        _ operation: String,
        _ inputs: [String],
        at path: String,
        _ attributes: [(name: String, value: ONNXGraph.Attribute)] = []
    ) -> String {
        nodes(operation, inputs, at: path, outputs: 1, attributes)[0]
    }

    private mutating func nodes(
        _ operation: String,
        _ inputs: [String],
        at path: String,
        outputs count: Int,
        _ attributes: [(name: String, value: ONNXGraph.Attribute)] = []
    ) -> [String] {
        let plain = "\(path)/\(operation)"
        var name = plain
        var number = 1
        while !names.insert(name).inserted {
            name = "\(plain)_\(number)"
            number += 1
        }
        let outputs = (0..<count).map { "\(name)_output_\($0)" }
        graph.nodes.append(
            .init(
                operation: operation,
                name: name,
                inputs: inputs,
                outputs: outputs,
                attributes: attributes
            )
        )
        return outputs
    }

    // MARK: Constants

    mutating func integers(_ values: [Int], isScalar: Bool = false) -> String {
        let name =
            isScalar
            ? "/constant/integer_\(values[0])"
            : "/constant/integers_" + values.map(String.init).joined(separator: "_")
        let bytes = values.flatMap { value in
            withUnsafeBytes(of: Int64(value).littleEndian) { Array($0) }
        }
        add(name, .int64, isScalar ? [] : [values.count], bytes)
        return name
    }

    /// A scalar in the graph's own type, or in single precision.
    mutating func number(_ value: Float, isSingle: Bool = false) -> String {
        let isHalf = type == .float16 && !isSingle
        let stored: ElementType = isHalf ? .float16 : .float32
        var bytes = [UInt8](repeating: 0, count: stored.byteCount)
        withUnsafePointer(to: value) { value in
            bytes.withUnsafeMutableBytes {
                _ = stored.encode(UnsafeBufferPointer(start: value, count: 1), into: $0)
            }
        }
        let name = "/constant/number_\(value)"
        add(name, isHalf ? .float16 : .float, [], bytes)
        return name
    }

    /// A scalar byte.
    mutating func byte(_ value: UInt8) -> String {
        let name = "/constant/byte_\(value)"
        add(name, .uint8, [], [value])
        return name
    }

    private mutating func add(
        _ name: String,
        _ type: ONNXGraph.DataType,
        _ dimensions: [Int],
        _ content: [UInt8]?
    ) {
        guard names.insert(name).inserted else { return }
        graph.initializers.append(
            .init(name: name, type: type, dimensions: dimensions, content: content)
        )
    }

    // MARK: Weights

    func key(_ parameter: String) -> String { keys[parameter] ?? parameter }

    func shape(_ parameter: String) -> Shape {
        guard let shape = shapes[parameter] else {
            preconditionFailure("the model has no \(parameter)")
        }
        return shape
    }

    /// A parameter as it is, or transposed under a name that says so.
    mutating func parameter(_ parameter: String, isTransposed: Bool = false) -> String {
        let canonical = shape(parameter)
        let name = key(parameter) + (isTransposed ? "_transposed" : "")
        guard !names.contains(name) else { return name }
        let written: Shape = isTransposed ? [canonical[1], canonical[0]] : canonical
        add(name, type, written.dimensions, nil)
        tensors.append(
            PlannedTensor(
                name: name,
                parameter: parameter,
                shape: written,
                form: .values(
                    type == .float16 ? .float16 : .float32,
                    isTransposed: isTransposed
                )
            )
        )
        return name
    }

    /// A matrix as bytes, and the scales of its outputs.
    private mutating func byteParameter(_ parameter: String) -> (bytes: String, scales: String) {
        let canonical = shape(parameter)
        let name = key(parameter)
        let names = (bytes: name + "_quantized", scales: name + "_scale")
        add(names.bytes, .int8, [canonical[1], canonical[0]], nil)
        add(names.scales, .float, [canonical[0]], nil)
        tensors.append(
            PlannedTensor(
                name: names.bytes,
                parameter: parameter,
                shape: [canonical[1], canonical[0]],
                form: .bytes(scales: names.scales)
            )
        )
        return names
    }

    // MARK: Linear layers

    /// x Wᵀ + b, in bytes where the export's weights are.
    ///
    /// - Parameters:
    ///   - layer: the canonical name without `.weight`.
    ///   - isInEncoder: whether the layer is one of the encoder's, the only ones that are rounded to
    ///     bytes: BertKit's own int8 leaves embeddings and heads in single precision too.
    mutating func linear(
        _ layer: String,
        _ value: String,
        at path: String,
        isInEncoder: Bool = false
    ) -> String {
        let bias = parameter(layer + ".bias")
        let product: String
        switch weights {
        case .int8Dynamic where isInEncoder:
            product = dynamicProduct(layer, value, at: path)
        case .int8QDQ where isInEncoder:
            product = restoredProduct(layer, value, at: path)
        default:
            let weight = parameter(layer + ".weight", isTransposed: true)
            product = node("MatMul", [value, weight], at: path)
        }
        return node("Add", [product, bias], at: path)
    }

    /// The input in bytes, the product exact in 32 bits, and back: the nodes that runtimes take together
    /// as one.
    ///
    /// The operator has one range for the whole batch. Every token is divided by its largest magnitude before
    /// and multiplied by it behind, so that a token's bytes do not depend on its neighbours, as in BertKit's
    /// own int8.
    private mutating func dynamicProduct(
        _ layer: String,
        _ value: String,
        at path: String
    ) -> String {
        let input = dynamic[value] ?? dynamicInput(value, at: path + "/input")
        dynamic[value] = input
        let weight = byteParameter(layer + ".weight")
        let scale = node("Mul", [input.scale, weight.scales], at: path + "/scale")
        let sums = node(
            "MatMulInteger",
            [input.bytes, weight.bytes, input.zeroPoint],
            at: path
        )
        let real = node(
            "Cast",
            [sums],
            at: path,
            [("to", .int(ONNXGraph.DataType.float.rawValue))]
        )
        let product = node("Mul", [real, scale], at: path)
        return node("Mul", [product, input.magnitudes], at: path + "/input")
    }

    private mutating func dynamicInput(_ value: String, at path: String) -> DynamicInput {
        let (even, magnitudes) = self.evened(value, at: path)
        let outputs = nodes("DynamicQuantizeLinear", [even], at: path, outputs: 3)
        return DynamicInput(
            bytes: outputs[0],
            scale: outputs[1],
            zeroPoint: outputs[2],
            magnitudes: magnitudes
        )
    }

    /// A value with every token divided by its largest magnitude, and these.
    private mutating func evened(
        _ value: String,
        at path: String
    ) -> (value: String, magnitudes: String) {
        let absolute = node("Abs", [value], at: path)
        let largest = node("ReduceMax", [absolute, integers([-1])], at: path)
        // A token of zeros is divided by something, too.
        let magnitudes = node("Max", [largest, number(1e-9)], at: path)
        return (node("Div", [value, magnitudes], at: path), magnitudes)
    }

    /// Input and weight as bytes and back, around a plain product, which runtimes then compute in bytes.
    ///
    /// Every token is divided by its largest magnitude before and multiplied by it behind, so that the range
    /// −1...1 is every input's: the bytes are those of BertKit's own int8, and nothing has to be measured.
    private mutating func restoredProduct(
        _ layer: String,
        _ value: String,
        at path: String
    ) -> String {
        let input: RestoredInput
        if let known = restored[value] {
            input = known
        } else {
            let place = path + "/input"
            let (even, magnitudes) = evened(value, at: place)
            // 128 is 0, as processors multiply unsigned by signed bytes.
            let constants = [number(1.0 / 127, isSingle: true), byte(128)]
            let bytes = node("QuantizeLinear", [even] + constants, at: place)
            let back = node("DequantizeLinear", [bytes] + constants, at: place)
            input = RestoredInput(value: back, magnitudes: magnitudes)
            restored[value] = input
        }
        let weight = byteParameter(layer + ".weight")
        let matrix = node(
            "DequantizeLinear",
            [weight.bytes, weight.scales],
            at: path + "/weight",
            [("axis", .int(1))]
        )
        let product = node("MatMul", [input.value, matrix], at: path)
        return node("Mul", [product, input.magnitudes], at: path + "/input")
    }
}
