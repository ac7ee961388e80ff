import Tensors

/// Where a model's parameters lie in one stretch of memory, as gradients and the optimizer see them: a
/// table with a row for each word piece first, because its gradient is sparse, then everything dense.
public struct ArenaLayout: Sendable {
    public struct Entry: Sendable {
        public let name: String
        public let slot: ParameterSlot
        /// Whether weight decay takes from it.
        public let decays: Bool

        public init(name: String, slot: ParameterSlot, decays: Bool) {
            (self.name, self.slot, self.decays) = (name, slot, decays)
        }
    }

    /// The table of word pieces, `[V, width]`.
    public let table: Entry
    /// Every other parameter, in model order.
    public let dense: [Entry]
    /// Floats in the arena.
    public let count: Int

    public init(table: Entry, dense: [Entry], count: Int) {
        precondition(table.slot.shape.rank == 2, "a table has rows")
        (self.table, self.dense, self.count) = (table, dense, count)
    }

    public var vocabularySize: Int { table.slot.shape[0] }
    /// Of a row of the table.
    public var width: Int { table.slot.shape[1] }

    /// The name of the parameter that owns element `index` of the arena.
    public func name(at index: Int) -> String? {
        ([table] + dense).first { $0.slot.range.contains(index) }?.name
    }
}

extension ParameterLayout {
    /// The same places without what they are to the model.
    public var arena: ArenaLayout {
        let all = entries.map { name, slot in
            ArenaLayout.Entry(
                name: name,
                slot: slot,
                decays: !name.hasSuffix(".bias") && !name.hasSuffix("LayerNorm.weight")
            )
        }
        let words = slots.embeddings.wordEmbeddings.weight
        guard let table = all.first(where: { $0.slot == words }) else {
            preconditionFailure("a model without word embeddings")
        }
        return ArenaLayout(
            table: table,
            dense: all.filter { $0.slot.offset >= denseStart },
            count: count
        )
    }
}
