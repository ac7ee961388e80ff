import Kernels

/// The encoder layers' weights in bfloat16, beside the single-precision ones that training changes.
struct RoundedWeights: Sendable {
    private let weights: [RoundedWeight]
    /// Which part of which weights a task rounds.
    private let pieces: [(weight: Int, piece: Int)]
    /// The model's views, the layers' with their weights in both forms.
    let views: ModelViews

    init(_ model: BertModel) {
        var views = model.views
        var weights: [RoundedWeight] = []
        func round(_ linear: inout Linear) {
            let weight = RoundedWeight(linear)
            linear.rounded = weight
            weights.append(weight)
        }
        for index in views.layers.indices {
            round(&views.layers[index].queryKeyValue)
            round(&views.layers[index].attentionOutput)
            round(&views.layers[index].intermediate)
            round(&views.layers[index].output)
        }
        // Only the last layer computes queries of first tokens alone.
        if let last = views.layers.indices.last {
            round(&views.layers[last].query)
            round(&views.layers[last].keyValue)
        }
        self.views = views
        self.weights = weights
        pieces = weights.enumerated()
            .flatMap { index, weight in (0..<weight.pieceCount).map { (index, $0) } }
    }

    /// Rounds the weights as they are now.
    func refresh(_ pool: WorkerPool) {
        pool.run(pieces.count) { task, worker in
            let (weight, piece) = pieces[task]
            let count = weights[weight].refresh(piece)
            pool.recorder(worker)?.lap(.weightRounding, floats: count, bytes: 2 * count)
        }
    }
}
