import Bert
public import Diagnostics

/// A student layer and the teacher layer that it is to match, both from 1; 0 is the embeddings.
public struct LayerPair: Sendable, Hashable {
    public var student: Int
    public var teacher: Int

    public init(_ student: Int, _ teacher: Int) {
        (self.student, self.teacher) = (student, teacher)
    }

    /// Refuses layers that a model does not have.
    static func check(
        _ pairs: [LayerPair],
        of name: String,
        _ student: BertConfiguration,
        _ teacher: BertConfiguration
    ) throws(Failure) {
        for pair in pairs {
            for (model, layer, count) in [
                ("student", pair.student, student.hiddenLayerCount),
                ("teacher", pair.teacher, teacher.hiddenLayerCount),
            ] where !(0...count).contains(layer) {
                throw Failure(
                    .usage,
                    name,
                    "it names layer \(layer) of the \(model), which has layers 1 to \(count)"
                )
            }
        }
    }
}

/// Which teacher layer each student layer is to match: g(m) for m = 1…M of a teacher of N layers.
public enum LayerMap: Sendable, Hashable {
    /// Evenly over the teacher with the last included: ⌈m·N/M⌉. Where M divides N, m·N/M.
    case uniform
    /// The last M layers: m + N − M.
    case top
    /// The first M layers: m.
    case bottom
    /// Every k-th layer, k = ⌊N/M⌋: m·k. Where M does not divide N, the last layers are not reached.
    case skip
    /// The student's last layer to the teacher's last, and no other.
    case last
    /// One teacher layer for each student layer in turn; 0 leaves a student layer out.
    case list([Int])

    /// The layers of a student of `student` layers and those of a teacher that they match.
    ///
    /// - Throws: `Failure` of kind `.usage` for a map that these models cannot have.
    public func pairs(student: Int, teacher: Int) throws(Failure) -> [LayerPair] {
        if student > teacher, self == .top || self == .bottom || self == .skip {
            throw Failure(
                .usage,
                "layer map \(description)",
                "the student has \(student) layers and the teacher only \(teacher)",
                remedy: "Use the map uniform or a list"
            )
        }
        switch self {
        case .uniform:
            return (1...student).map { LayerPair($0, ($0 * teacher + student - 1) / student) }
        case .top: return (1...student).map { LayerPair($0, $0 + teacher - student) }
        case .bottom: return (1...student).map { LayerPair($0, $0) }
        case .last: return [LayerPair(student, teacher)]
        case .skip: return (1...student).map { LayerPair($0, $0 * (teacher / student)) }
        case .list(let layers):
            guard layers.count == student else {
                throw Failure(
                    .usage,
                    "layer map \(description)",
                    "it lists \(layers.count) layers and the student has \(student)",
                    remedy: "Give one teacher layer for each student layer, 0 to leave one out"
                )
            }
            if let layer = layers.first(where: { !(0...teacher).contains($0) }) {
                throw Failure(
                    .usage,
                    "layer map \(description)",
                    "it names layer \(layer) of a teacher that has layers 1 to \(teacher)"
                )
            }
            let pairs = layers.enumerated().filter { $0.element > 0 }
                .map { LayerPair($0.offset + 1, $0.element) }
            guard !pairs.isEmpty else {
                throw Failure(.usage, "layer map \(description)", "it leaves every layer out")
            }
            return pairs
        }
    }
}

extension LayerMap: CustomStringConvertible {
    public var description: String {
        switch self {
        case .uniform: "uniform"
        case .top: "top"
        case .bottom: "bottom"
        case .skip: "skip"
        case .last: "last"
        case .list(let layers): layers.map(String.init).joined(separator: ",")
        }
    }

    /// From `uniform`, `top`, `bottom`, `skip`, `last` or a list as in `2,4,6`.
    public init?(_ text: String) {
        switch text {
        case "uniform": self = .uniform
        case "top": self = .top
        case "bottom": self = .bottom
        case "skip": self = .skip
        case "last": self = .last
        default:
            var layers: [Int] = []
            for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                guard let layer = Int(part), (0..<1024).contains(layer) else { return nil }
                layers.append(layer)
            }
            self = .list(layers)
        }
    }
}
