import Bert
import Foundation
import Tensors

/// Builds a program operation by operation, and keeps a list of the weights that it refers to.
///
/// Every operand is a constant of its own, as Core ML wants it. One text at a time: B is 1. S is fixed, or
/// one of several lengths.
struct MILBuilder {
    typealias Value = MILProgram.Value

    let configuration: BertConfiguration
    /// The lengths S that the program is made for, ascending.
    let lengths: [Int]
    /// What everything is computed in.
    let type: MILProgram.DataType
    private(set) var program: MILProgram
    private(set) var tensors: [PlannedTensor] = []
    /// The file of weights.
    private(set) var weights = CoreMLWeights()
    private let shapes: [String: Shape]
    private var names: Set<String> = []
    private var parameters: [String: Value] = [:]

    init(_ configuration: BertConfiguration, lengths: [Int], isHalf: Bool) {
        self.configuration = configuration
        self.lengths = lengths
        type = isHalf ? .float16 : .float32
        program = MILProgram(opset: lengths.count > 1 ? .coreML8 : .coreML7)
        shapes = Dictionary(
            uniqueKeysWithValues: BertParameters<Shape>(configuration).leaves.map {
                ($0.name, $0.leaf)
            }
        )
    }

    /// S; nil where there are several lengths.
    var length: Int? { lengths.count > 1 ? nil : lengths[0] }

    // MARK: Values

    mutating func input(_ name: String) -> Value {
        let value = Value(name: name, type: .init(data: .int32, dimensions: [1, length]))
        names.insert(name)
        program.inputs.append(value)
        return value
    }

    /// Makes a value an output in single precision, under this name.
    mutating func output(_ value: Value, as name: String) {
        names.insert(name)
        let result = Value(
            name: name,
            type: .init(data: .float32, dimensions: value.type.dimensions)
        )
        let dtype = constant(.text("fp32"), for: name, "dtype")
        program.operations.append(
            .call("cast", inputs: [("x", value.name), ("dtype", dtype)], result)
        )
        program.outputs.append(result)
    }

    /// Adds an operation and gives its value.
    ///
    /// - Parameters:
    ///   - data: the type of the value's elements; nil for that of everything.
    ///   - operands: inputs that are values.
    ///   - constants: inputs that are settled.
    mutating func call(
        _ operation: String,
        _ dimensions: [Int?],
        of data: MILProgram.DataType? = nil,
        _ operands: [(name: String, value: Value)],
        _ constants: [(name: String, content: MILProgram.Content)] = []
    ) -> Value {
        let name = unused(operation)
        var inputs = operands.map { (name: $0.name, value: $0.value.name) }
        for (parameter, content) in constants {
            inputs.append((parameter, constant(content, for: name, parameter)))
        }
        let value = Value(
            name: name,
            type: .init(data: data ?? type, dimensions: dimensions)
        )
        program.operations.append(.call(operation, inputs: inputs, value))
        return value
    }

    private mutating func constant(
        _ content: MILProgram.Content,
        for operation: String,
        _ parameter: String
    ) -> String {
        let name = unused("\(operation)_\(parameter)")
        program.operations.append(.constant(Value(name: name, type: content.type), content))
        return name
    }

    private mutating func unused(_ name: String) -> String {
        var number = 0
        while !names.insert("\(name)_\(number)").inserted { number += 1 }
        return "\(name)_\(number)"
    }

    /// A scalar in the type of everything.
    func number(_ value: Float) -> MILProgram.Content {
        guard type == .float16 else { return .float(value) }
        var half: UInt16 = 0
        withUnsafePointer(to: value) { value in
            withUnsafeMutableBytes(of: &half) {
                _ = ElementType.float16.encode(
                    UnsafeBufferPointer(start: value, count: 1),
                    into: $0
                )
            }
        }
        return .half(UInt16(littleEndian: half))
    }

    // MARK: Weights

    /// A parameter as the checkpoint has it.
    mutating func parameter(_ parameter: String) -> Value {
        if let known = parameters[parameter] { return known }
        guard let shape = shapes[parameter] else {
            preconditionFailure("the model has no \(parameter)")
        }
        let name = parameter.replacing(".", with: "_")
        names.insert(name)
        let element: ElementType = type == .float16 ? .float16 : .float32
        let offset = weights.reserve(name, element, shape)
        let value = Value(name: name, type: .init(data: type, dimensions: shape.dimensions))
        program.operations.append(.weight(value, offset: offset))
        tensors.append(
            PlannedTensor(
                name: name,
                parameter: parameter,
                shape: shape,
                form: .values(element, isTransposed: false)
            )
        )
        parameters[parameter] = value
        return value
    }

    // MARK: Layers

    /// x Wᵀ + b.
    mutating func linear(_ layer: String, _ x: Value, weight: String? = nil) -> Value {
        let matrix = parameter(weight ?? layer + ".weight")
        let bias = parameter(layer + ".bias")
        return call(
            "linear",
            x.type.dimensions.dropLast() + [matrix.type.dimensions[0]],
            [("x", x), ("weight", matrix), ("bias", bias)]
        )
    }

    mutating func layerNorm(_ name: String, _ x: Value, epsilon: Double? = nil) -> Value {
        let gamma = parameter(name + ".weight")
        let beta = parameter(name + ".bias")
        let epsilon = Float(epsilon ?? configuration.layerNormEpsilon)
        // 2⁻²³ is no 0 in binary16.
        let least: Float = type == .float16 ? 0x1p-23 : 0
        return call(
            "layer_norm",
            x.type.dimensions,
            [("x", x), ("gamma", gamma), ("beta", beta)],
            [("axes", .integers([-1])), ("epsilon", number(max(epsilon, least)))]
        )
    }

    mutating func activation(_ activation: BertConfiguration.Activation, _ x: Value) -> Value {
        let dimensions = x.type.dimensions
        switch activation {
        case .relu: return call("relu", dimensions, [("x", x)])
        case .gelu: return call("gelu", dimensions, [("x", x)], [("mode", .text("EXACT"))])
        case .geluTanh:
            return call("gelu", dimensions, [("x", x)], [("mode", .text("TANH_APPROXIMATION"))])
        }
    }

    mutating func sum(_ x: Value, _ y: Value, of data: MILProgram.DataType? = nil) -> Value {
        call("add", x.type.dimensions, of: data, [("x", x), ("y", y)])
    }

    /// Rows of a table.
    mutating func gather(_ table: Value, _ indices: Value) -> Value {
        call(
            "gather",
            indices.type.dimensions + table.type.dimensions.dropFirst(),
            [("x", table), ("indices", indices)],
            [
                ("axis", .integer(0)), ("batch_dims", .integer(0)),
                ("validate_indices", .bool(false)),
            ]
        )
    }
}
