import Diagnostics
import Kernels
import Synchronization

extension BertModel {
    /// A classifier for answers in one precision and nothing else: as soon as a layer is read, its
    /// matrices are put into the form that products of that precision read, and their memory is given
    /// back, so that a few layers at most are there as they were read.
    ///
    /// Where the matrix library has no form of its own for a precision they stay as they are.
    ///
    /// - Parameter weights: memory laid out for the folder's model.
    /// - Throws: as `ModelFolder.read(into:)`.
    convenience init(
        reading folder: ModelFolder,
        into weights: ParameterBuffer,
        answeringIn precision: Precision
    ) throws(Failure) {
        let precision = precision.orFallback
        var views = ModelViews(weights)
        let read = views.layers
        let layers = weights.layout.entries.map { Self.layer(of: $0.name) }
        let left = read.indices.map { index in layers.count { $0 == index } }
        let state = Mutex((left: left, layers: read))
        let readsEveryToken = folder.configuration.head.readsEveryToken
        try folder.read(into: weights) { name in
            guard let layer = Self.layer(of: name) else { return }
            let isComplete = state.withLock { state in
                state.left[layer] -= 1
                return state.left[layer] == 0
            }
            guard isComplete else { return }
            let packed = read[layer].packing(
                firstTokenOnly: layer == read.count - 1 && !readsEveryToken,
                precision
            )
            packed.packedMatrices.forEach(weights.release)
            state.withLock { $0.layers[layer] = packed }
        }
        views.layers = state.withLock(\.layers)
        self.init(weights, views, answers: precision)
    }

    /// The encoder layer, from 0, that a parameter is of, by its canonical name.
    private static func layer(of name: String) -> Int? {
        let prefix = "encoder.layer."
        guard name.hasPrefix(prefix) else { return nil }
        return Int(name.dropFirst(prefix.count).prefix { $0 != "." })
    }
}
