import Diagnostics

/// The names and tensors of a pickle that `torch.save` wrote, and what else there is.
struct PyTorchStateDict {
    /// By a rule of this project, the first of these keys whose value is a dictionary leads to the
    /// tensors, where a dictionary has none itself: how training programs keep a state dict.
    static let wrappers = ["state_dict", "model_state_dict", "model", "module"]
    static let maximumWrapperCount = 4

    private(set) var tensors: [(name: String, view: PickleHeap.TensorView)] = []
    private(set) var notes: [String] = []

    /// - Parameter path: the file, for messages.
    init(_ root: PickleValue, _ heap: PickleHeap, _ path: String) throws(Failure) {
        var value = root
        var wrapperCount = 0
        while true {
            guard case .dictionary(let place) = value else {
                throw Failure(
                    .badData,
                    path,
                    "the pickle holds \(value.phrase), not a state dict",
                    remedy: PickleMachine.remedy
                )
            }
            let members = heap.dictionaries[place]
            if members.contains(where: { $0.value.isTensor }) {
                try add(members, heap, path)
                return
            }
            guard wrapperCount < Self.maximumWrapperCount,
                let (key, inner) = Self.inner(members)
            else {
                throw Failure(
                    .badData,
                    path,
                    members.isEmpty
                        ? "the state dict is empty"
                        : "the state dict holds no tensors: \(Self.list(members))"
                )
            }
            wrapperCount += 1
            let rest = members.filter { $0.key != .text(key) }
            notes.append(
                "the tensors are those of \"\(key)\""
                    + (rest.isEmpty ? "" : "; beside it, and not read: \(Self.list(rest))")
            )
            value = inner
        }
    }

    private typealias Member = (key: PickleValue, value: PickleValue)

    private static func inner(_ members: [Member]) -> (key: String, value: PickleValue)? {
        for key in wrappers {
            for member in members where member.key == .text(key) {
                if case .dictionary = member.value { return (key, member.value) }
            }
        }
        return nil
    }

    private mutating func add(
        _ members: [Member],
        _ heap: PickleHeap,
        _ path: String
    ) throws(Failure) {
        var names: Set<String> = []
        for (key, value) in members {
            guard case .tensor(let place) = value else { continue }
            guard case .text(let name) = key, !name.isEmpty else {
                throw Failure(.badData, path, "a tensor of the state dict has no name")
            }
            guard names.insert(name).inserted else {
                throw Failure(
                    .badData,
                    path,
                    "the tensor \"\(printable(name))\" is in the state dict twice"
                )
            }
            tensors.append((name, heap.tensors[place]))
        }
        let others = members.filter { !$0.value.isTensor }
        if !others.isEmpty { notes.append("not tensors, and not read: \(Self.list(others))") }
    }

    /// `"epoch" (an integer), "optimizer" (a dictionary)`; at most ten, then how many more.
    private static func list(_ members: [Member]) -> String {
        let shown = members.prefix(10).map { key, value in
            let name =
                if case .text(let text) = key { "\"\(printable(text))\"" } else { key.phrase }
            return "\(name) (\(value.phrase))"
        }
        let rest = members.count - shown.count
        return shown.joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }
}

extension PickleValue {
    fileprivate var isTensor: Bool {
        if case .tensor = self { true } else { false }
    }
}
