/// A program of Core ML's intermediate language, of one function of one block (MIL.proto).
struct MILProgram {
    /// DataType of MIL.proto.
    enum DataType: Int {
        case bool = 1
        case string = 2
        case float16 = 10
        case float32 = 11
        case int32 = 23
    }

    /// A tensor's type; nil is an extent that is chosen when the program runs.
    struct TensorType: Equatable {
        let data: DataType
        let dimensions: [Int?]
    }

    struct Value {
        let name: String
        let type: TensorType
    }

    /// What a constant is.
    enum Content {
        case float(Float)
        /// A scalar in binary16, which has no field but bytes.
        case half(UInt16)
        case integer(Int)
        case integers([Int])
        case bool(Bool)
        case bools([Bool])
        case text(String)

        var type: TensorType {
            switch self {
            case .float: TensorType(data: .float32, dimensions: [])
            case .half: TensorType(data: .float16, dimensions: [])
            case .integer: TensorType(data: .int32, dimensions: [])
            case .integers(let values): TensorType(data: .int32, dimensions: [values.count])
            case .bool: TensorType(data: .bool, dimensions: [])
            case .bools(let values): TensorType(data: .bool, dimensions: [values.count])
            case .text: TensorType(data: .string, dimensions: [])
            }
        }
    }

    enum Operation {
        case constant(Value, Content)
        /// A tensor in the file of weights, and where its description is there.
        case weight(Value, offset: Int)
        case call(String, inputs: [(name: String, value: String)], Value)
    }

    /// The names of sets of operators, with the version of the specification that came with each.
    enum Opset: String {
        /// iOS 17, macOS 14.
        case coreML7 = "CoreML7"
        /// iOS 18, macOS 15: the first where several inputs may have several lengths.
        case coreML8 = "CoreML8"

        var specificationVersion: Int {
            switch self {
            case .coreML7: 8
            case .coreML8: 9
            }
        }
    }

    let opset: Opset
    var inputs: [Value] = []
    var outputs: [Value] = []
    var operations: [Operation] = []
}
