/// Which of an encoder's intermediate outputs somebody reads.
public struct IntermediateSelection: Sendable, Hashable {
    /// Hidden states: 0 is the embeddings' output, L the last layer's.
    public var hiddenStates: Set<Int>
    /// Layers from 0 whose unnormalised attention scores QKᵀ/√D are read.
    public var attentionScores: Set<Int>
    /// Layers from 0 whose queries, keys and values are read.
    public var queryKeyValue: Set<Int>

    public init(
        hiddenStates: Set<Int> = [],
        attentionScores: Set<Int> = [],
        queryKeyValue: Set<Int> = []
    ) {
        self.hiddenStates = hiddenStates
        self.attentionScores = attentionScores
        self.queryKeyValue = queryKeyValue
    }

    public static let none = IntermediateSelection()

    /// Everything that an encoder has.
    public static func all(_ configuration: BertConfiguration) -> IntermediateSelection {
        let layers = Set(0..<configuration.hiddenLayerCount)
        return IntermediateSelection(
            hiddenStates: Set(0...configuration.hiddenLayerCount),
            attentionScores: layers,
            queryKeyValue: layers
        )
    }

    public var isEmpty: Bool {
        hiddenStates.isEmpty && attentionScores.isEmpty && queryKeyValue.isEmpty
    }

    public func union(_ other: IntermediateSelection) -> IntermediateSelection {
        IntermediateSelection(
            hiddenStates: hiddenStates.union(other.hiddenStates),
            attentionScores: attentionScores.union(other.attentionScores),
            queryKeyValue: queryKeyValue.union(other.queryKeyValue)
        )
    }

    /// Whether an encoder of so many layers has all of it.
    public func fits(layerCount: Int) -> Bool {
        hiddenStates.allSatisfy { (0...layerCount).contains($0) }
            && attentionScores.union(queryKeyValue).allSatisfy { (0..<layerCount).contains($0) }
    }

    /// Whether more of layer `layer` is read than each sequence's first token.
    func readsEveryToken(ofLayer layer: Int) -> Bool {
        hiddenStates.contains(layer + 1) || attentionScores.contains(layer)
            || queryKeyValue.contains(layer)
    }

    /// The layers that have to be computed, wholly or in part.
    var layersNeeded: Int {
        max(
            hiddenStates.max() ?? 0,
            (attentionScores.max() ?? -1) + 1,
            (queryKeyValue.max() ?? -1) + 1
        )
    }

    /// Whether nothing of this layer is read but its queries, keys and values, and no layer above it.
    func readsOnlyQueryKeyValue(ofLayer layer: Int) -> Bool {
        layersNeeded == layer + 1 && !hiddenStates.contains(layer + 1)
            && !attentionScores.contains(layer)
    }
}
