import Diagnostics
import Tensors

/// What PyTorch's classes and functions make of their arguments.
extension PickleMachine {
    mutating func pushGlobal(_ module: [UInt8], _ name: [UInt8]) throws(Failure) {
        let path =
            String(decoding: module, as: UTF8.self) + "."
            + String(decoding: name, as: UTF8.self)
        guard let global = PickleGlobal(path) else {
            throw refused(
                "the pickle names \"\(printable(path))\", which is no part of a state dict; nothing "
                    + "of it was executed",
                remedy: Self.remedy
            )
        }
        stack.append(.global(global))
    }

    /// A storage: `('storage', class, key, device, count)`; before PyTorch 1.6 with a view, `None`,
    /// at the end.
    mutating func loadPersistent() throws(Failure) {
        let fields = try elements(try pop(), "a reference that is no tuple")
        guard fields.count == 5 || fields.count == 6, fields[0] == .text("storage") else {
            throw refused("a reference that is no storage's", remedy: Self.remedy)
        }
        guard case .global(.storage(let type)) = fields[1], case .text(let key) = fields[2],
            case .text = fields[3], case .integer(let count) = fields[4], count >= 0
        else { throw refused("a storage whose class, key, device or size is none") }
        if fields.count == 6, fields[5] != .none {
            throw refused(
                "the storage \"\(printable(key))\" is a view of another, as PyTorch wrote before 0.4",
                remedy: Self.remedy
            )
        }
        let storage = PickleHeap.Storage(key: key, elementType: type, elementCount: count)
        heap.storages.append(storage)
        stack.append(.storage(heap.storages.count - 1))
    }

    mutating func call(_ callee: PickleValue, _ arguments: PickleValue) throws(Failure) {
        guard case .global(let global) = callee else {
            throw refused("a call of what is no class, but \(callee.phrase)")
        }
        let arguments = try elements(arguments, "a call whose arguments are no tuple")
        switch global {
        case .orderedDictionary: try orderedDictionary(arguments)
        case .rebuildTensor: try rebuildTensor(arguments, expected: 4...4)
        case .rebuildTensorV2: try rebuildTensor(arguments, expected: 6...7)
        case .rebuildParameter:
            guard arguments.count == 3, case .tensor = arguments[0] else {
                throw refused("a parameter that is made of no tensor")
            }
            stack.append(arguments[0])
        case .storage: throw refused("a storage that is not in the file", remedy: Self.remedy)
        }
    }

    /// `OrderedDict()`, or of a list of pairs, as Python 2 wrote it.
    private mutating func orderedDictionary(_ arguments: [PickleValue]) throws(Failure) {
        newDictionary()
        guard let argument = arguments.first else { return }
        guard arguments.count == 1, case .list(let list) = argument else {
            throw refused("an OrderedDict of what is no list")
        }
        let dictionary = heap.dictionaries.count - 1
        heap.memberCount += heap.lists[list].count
        for pair in heap.lists[list] {
            let pair: [PickleValue] =
                if case .list(let place) = pair {
                    heap.lists[place]
                } else {
                    try elements(pair, "an OrderedDict of what are no pairs")
                }
            guard pair.count == 2 else { throw refused("an OrderedDict of what are no pairs") }
            heap.dictionaries[dictionary].append((pair[0], pair[1]))
        }
    }

    /// `(storage, offset, size, stride[, requires_grad, hooks[, metadata]])`
    private mutating func rebuildTensor(
        _ arguments: [PickleValue],
        expected: ClosedRange<Int>
    ) throws(Failure) {
        guard expected.contains(arguments.count), case .storage(let storage) = arguments[0],
            case .integer(let offset) = arguments[1], offset >= 0
        else { throw refused("a tensor whose storage or offset is none") }
        let dimensions = try integers(arguments[2], "a tensor's size")
        let strides = try integers(arguments[3], "a tensor's strides")
        guard dimensions.count == strides.count else {
            throw refused(
                "a tensor of \(dimensions.count) dimensions with \(strides.count) strides"
            )
        }
        if arguments.count == 7 {
            // Conjugated and negated views; no checkpoint has one.
            switch arguments[6] {
            case .none: break
            case .dictionary(let place) where heap.dictionaries[place].isEmpty: break
            default: throw refused("a tensor with metadata, which changes its values")
            }
        }
        heap.tensors.append(
            PickleHeap.TensorView(
                storage: storage,
                offset: offset,
                dimensions: dimensions,
                strides: strides
            )
        )
        stack.append(.tensor(heap.tensors.count - 1))
    }

    /// The attributes of an OrderedDict (`_metadata`: module versions), which are passed over.
    mutating func build() throws(Failure) {
        let state = try pop()
        guard case .dictionary = state, case .dictionary? = stack.last else {
            throw refused(
                "attributes of \(stack.last?.phrase ?? "nothing"), which a state dict does not have",
                remedy: Self.remedy
            )
        }
    }

    private func elements(
        _ value: PickleValue,
        _ problem: String
    ) throws(Failure) -> [PickleValue] {
        guard case .tuple(let range) = value else { throw refused(problem) }
        return Array(heap.elements[range])
    }

    private func integers(_ value: PickleValue, _ what: String) throws(Failure) -> [Int] {
        let values = try elements(value, "\(what) that is no tuple")
        guard values.count <= maximumRank else {
            throw refused("\(what) of \(values.count) numbers, more than \(maximumRank)")
        }
        var integers: [Int] = []
        for value in values {
            guard case .integer(let integer) = value, integer >= 0 else {
                throw refused("\(what) that holds other than whole numbers from 0")
            }
            integers.append(integer)
        }
        return integers
    }
}
