public import Bert
public import Tensors

/// The places of a BiLSTM's parameters in one stretch of memory.
///
/// Names are `torch.nn.LSTM`'s, but for a single bias in each direction; matrices are
/// `[output, input]`, and the rows of four gates are those of input, forget, candidate, output.
public struct BiLSTMLayout: Sendable {
    public let configuration: BiLSTMConfiguration
    public let arena: ArenaLayout

    /// In model order.
    public static func shapes(_ configuration: BiLSTMConfiguration) -> [(
        name: String, shape: Shape
    )] {
        let (units, width) = (configuration.units, configuration.embeddingSize)
        let directions = [0, 1].flatMap { direction -> [(String, Shape)] in
            [
                (name(.input, direction), [4 * units, width]),
                (name(.recurrent, direction), [4 * units, units]),
                (name(.bias, direction), [4 * units]),
            ]
        }
        let outputs = configuration.labels.count
        return [("embedding.weight", [configuration.vocabularySize, width])] + directions
            + [
                ("hidden.weight", [configuration.hiddenSize, configuration.featureCount]),
                ("hidden.bias", [configuration.hiddenSize]),
                ("output.weight", [outputs, configuration.hiddenSize]),
                ("output.bias", [outputs]),
            ]
    }

    enum Part: String {
        case input = "weight_ih"
        case recurrent = "weight_hh"
        case bias
    }

    /// - Parameter direction: 0 forwards, 1 backwards.
    static func name(_ part: Part, _ direction: Int) -> String {
        "lstm.\(part.rawValue)_l0" + (direction == 0 ? "" : "_reverse")
    }

    public init(_ configuration: BiLSTMConfiguration) {
        self.configuration = configuration
        var end = 0
        let entries = Self.shapes(configuration).map { name, shape in
            let slot = ParameterSlot(offset: end, shape: shape)
            end = (slot.range.upperBound + 15) / 16 * 16
            return ArenaLayout.Entry(name: name, slot: slot, decays: shape.rank == 2)
        }
        arena = ArenaLayout(table: entries[0], dense: Array(entries.dropFirst()), count: end)
    }

    /// Every parameter, in model order.
    public var entries: [ArenaLayout.Entry] { [arena.table] + arena.dense }

    subscript(name: String) -> ParameterSlot {
        guard let entry = entries.first(where: { $0.name == name }) else {
            preconditionFailure("no parameter \(name)")
        }
        return entry.slot
    }
}
