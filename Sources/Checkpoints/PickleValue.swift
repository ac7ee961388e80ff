import Tensors

/// What the pickle of a state dict is made of. Composite values are places in a `PickleHeap`, so that
/// nothing nests in memory.
enum PickleValue: Hashable {
    case none
    case bool(Bool)
    case integer(Int)
    /// An integer of more than eight bytes, little-endian.
    case longInteger([UInt8])
    case real(Double)
    case text(String)
    /// So many bytes, which no state dict needs.
    case data(Int)
    case tuple(Range<Int>)
    case list(Int)
    case dictionary(Int)
    case global(PickleGlobal)
    case storage(Int)
    case tensor(Int)

    /// What it is, for people.
    var phrase: String {
        switch self {
        case .none: "None"
        case .bool: "a truth value"
        case .integer, .longInteger: "an integer"
        case .real: "a float"
        case .text: "a text"
        case .data: "bytes"
        case .tuple: "a tuple"
        case .list: "a list"
        case .dictionary: "a dictionary"
        case .global: "a class"
        case .storage: "a storage"
        case .tensor: "a tensor"
        }
    }
}

/// The classes and functions that a state dict names. None is ever called: each stands for what
/// PyTorch would make.
enum PickleGlobal: Hashable {
    case orderedDictionary
    case rebuildTensor
    case rebuildTensorV2
    case rebuildParameter
    case storage(ElementType)

    private static let known: [String: PickleGlobal] = [
        "collections.OrderedDict": .orderedDictionary,
        "torch._utils._rebuild_tensor": .rebuildTensor,
        "torch._utils._rebuild_tensor_v2": .rebuildTensorV2,
        "torch._utils._rebuild_parameter": .rebuildParameter,
        "torch.DoubleStorage": .storage(.float64),
        "torch.FloatStorage": .storage(.float32),
        "torch.HalfStorage": .storage(.float16),
        "torch.BFloat16Storage": .storage(.bfloat16),
        "torch.LongStorage": .storage(.int64),
        "torch.IntStorage": .storage(.int32),
        "torch.ShortStorage": .storage(.int16),
        "torch.CharStorage": .storage(.int8),
        "torch.ByteStorage": .storage(.uint8),
        "torch.BoolStorage": .storage(.bool),
    ]

    init?(_ name: String) {
        guard let global = Self.known[name] else { return nil }
        self = global
    }
}

/// The composite values of a pickle.
struct PickleHeap {
    /// A stretch of elements in a file of its own or behind the pickle.
    struct Storage: Hashable {
        let key: String
        let elementType: ElementType
        let elementCount: Int
    }

    /// Elements of a storage, as the pickle describes them: nothing is checked but the signs.
    struct TensorView {
        let storage: Int
        let offset: Int
        let dimensions: [Int]
        let strides: [Int]
    }

    /// The elements of all tuples.
    var elements: [PickleValue] = []
    var lists: [[PickleValue]] = []
    var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
    var storages: [Storage] = []
    var tensors: [TensorView] = []
    /// Of all lists and dictionaries together.
    var memberCount = 0

    var objectCount: Int {
        elements.count + lists.count + dictionaries.count + storages.count + tensors.count
            + memberCount
    }
}
