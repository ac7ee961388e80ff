import Kernels

/// Intermediate outputs of one shard.
extension ShardInference {
    /// Copies a layer's queries, keys and values to their place.
    func keepQueryKeyValue(layer: Int) {
        guard let place = places.intermediate?.outputs.queryKeyValue[layer] else { return }
        copy(memory.projections, to: place.sideBySide.slice(shard.rows))
        pass.recorder?.lap(.planning)
    }

    /// Whether nobody reads what layer `index` or a later one puts out. Queries, keys and values are
    /// computed where they alone are read of this layer.
    func finishesEarly(before index: Int, _ layer: LayerViews, _ input: Matrix) -> Bool {
        guard places.onlyIntermediate, let (selection, outputs) = places.intermediate else {
            return false
        }
        if index >= selection.layersNeeded { return true }
        guard selection.readsOnlyQueryKeyValue(ofLayer: index),
            let place = outputs.queryKeyValue[index]
        else { return false }
        layer.queryKeyValue.forward(input, into: place.sideBySide.slice(shard.rows))
        pass.recorder?.forward(.queryKeyValue, layer.queryKeyValue, rows: input.rows)
        return true
    }
}
