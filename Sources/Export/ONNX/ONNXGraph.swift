/// A graph of ONNX as a value: what `onnx.proto` calls GraphProto, without the weights' bytes.
struct ONNXGraph {
    /// TensorProto.DataType.
    enum DataType: Int {
        case float = 1
        case uint8 = 2
        case int8 = 3
        case int64 = 7
        case float16 = 10

        var byteCount: Int {
            switch self {
            case .uint8, .int8: 1
            case .float16: 2
            case .float: 4
            case .int64: 8
            }
        }
    }

    enum Attribute {
        case int(Int)
        case float(Float)
        case ints([Int])
    }

    struct Node {
        let operation: String
        let name: String
        let inputs: [String]
        let outputs: [String]
        let attributes: [(name: String, value: Attribute)]
    }

    /// One dimension of an input or an output.
    enum Dimension: Hashable {
        case fixed(Int)
        case named(String)
    }

    struct Value {
        let name: String
        let type: DataType
        let dimensions: [Dimension]
    }

    /// A tensor that belongs to the graph. Small ones have their bytes; weights are filled in later.
    struct Initializer {
        let name: String
        let type: DataType
        let dimensions: [Int]
        let content: [UInt8]?

        var byteCount: Int { dimensions.reduce(type.byteCount, *) }
    }

    var name: String
    var nodes: [Node] = []
    var initializers: [Initializer] = []
    var inputs: [Value] = []
    var outputs: [Value] = []
}
