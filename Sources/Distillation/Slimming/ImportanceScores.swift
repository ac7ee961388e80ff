package import Bert
package import Datasets
package import Diagnostics
import Evaluation
package import Kernels
import Tensors
package import Training

/// How much a loss depends on the parts of a model: Σ over batches of |Σ weight · gradient|, the sum
/// inside over what would be lost with the part.
///
/// For a head and a dimension of its values, that is over the attention output's columns, and equals the
/// gradient of a mask on them: of a head that is equation 2 of Michel et al., the derivative by its gate, with
/// the absolute value taken of a batch's sum. Rows of query, key and value are not added: what they would say is
/// the same loss of the same head, counted again. For a dimension of queries over the query's row and bias (the key's
/// gives the same number); for a neuron over the second feed-forward matrix's column; for a hidden
/// dimension over all layer normalisations; for a pooled dimension over the classifier's column.
///
/// - Source: Michel et al. 2019, "Are Sixteen Heads Really Better than One?"; DynaBERT, Hou et al. 2020, section 2.1.
package struct ImportanceScores {
    package struct Layer {
        /// `[N]`, of the heads that the layer has.
        package var heads: [Double]
        /// `[A]`, heads side by side.
        package var queries: [Double]
        /// `[A]`, heads side by side.
        package var values: [Double]
        /// `[intermediate]`
        package var neurons: [Double]
    }

    package private(set) var layers: [Layer]
    /// `[H]`
    package private(set) var hidden: [Double]
    /// `[H]`
    package private(set) var pooled: [Double]

    /// The scores of a classifier on labelled batches, without dropout.
    ///
    /// - Precondition: the model can be trained.
    package init(
        of model: BertModel,
        on batches: [TrainingBatch],
        targets: [Float],
        pool: WorkerPool
    ) {
        let configuration = model.configuration
        let none = [Double](repeating: 0, count: configuration.hiddenSize)
        layers = (0..<configuration.hiddenLayerCount).map { layer in
            let width = configuration.attentionWidth(ofLayer: layer)
            return Layer(
                heads: [Double](repeating: 0, count: configuration.headCount(ofLayer: layer)),
                queries: Array(none.prefix(width)),
                values: Array(none.prefix(width)),
                neurons: [Double](repeating: 0, count: configuration.intermediateSize)
            )
        }
        (hidden, pooled) = (none, none)
        let pass = TrainingPass(model, pool: pool)
        let gradients = Gradients(model.layout)
        let answerCount = batches.map { ($0.answers.max() ?? -1) + 1 }.max() ?? 0
        var targets =
            targets.isEmpty ? [Float](repeating: .nan, count: answerCount) : targets
        for batch in batches {
            let logits = pass.forward(batch.sequences, dropoutSeed: nil, step: 0)
            Self.complete(&targets, of: batch, logits, configuration.taskKind)
            let objective = LogitObjective(configuration.taskKind.goldLoss(targets))
            _ = objective.evaluate(
                pass,
                batch,
                into: gradients,
                share: 1,
                accumulate: false
            )
            pass.backward(into: gradients)
            add(Products(model: model, gradients: gradients))
        }
    }

    /// Gives answers without a label the model's own.
    private static func complete(
        _ targets: inout [Float],
        of batch: TrainingBatch,
        _ logits: [Float],
        _ kind: TaskKind
    ) {
        guard batch.answers.contains(where: { targets[$0].isNaN }) else { return }
        let classes =
            kind.isRegression
            ? logits
            : LogitMetrics.topClasses(logits, classCount: kind.outputCount).map { Float($0) }
        for (answer, own) in zip(batch.answers, classes) where targets[answer].isNaN {
            targets[answer] = own
        }
    }

    private mutating func add(_ products: Products) {
        let slots = products.model.layout.slots
        func accumulate(_ target: inout [Double], _ values: [Double]) {
            for (index, value) in values.enumerated() { target[index] += abs(value) }
        }
        for (index, layer) in slots.encoder.layer.enumerated() {
            let (query, output) = (layer.attention.selfAttention.query, layer.attention.output)
            let columns = products.columnSums(output.dense.weight)
            let size = columns.count / layers[index].heads.count
            let heads = stride(from: 0, to: columns.count, by: size)
                .map { columns[$0..<$0 + size].reduce(0, +) }
            accumulate(&layers[index].heads, heads)
            accumulate(&layers[index].values, columns)
            accumulate(&layers[index].queries, products.rowSums(query))
            accumulate(&layers[index].neurons, products.columnSums(layer.output.dense.weight))
            accumulate(&hidden, products.sums(output.layerNorm))
            accumulate(&hidden, products.sums(layer.output.layerNorm))
        }
        accumulate(&hidden, products.sums(slots.embeddings.layerNorm))
        if let classifier = slots.classifier {
            accumulate(&pooled, products.columnSums(classifier.weight))
        }
    }

    /// The scores on a seeded sample of a data set, and how many examples it has.
    package static func sampled(
        of model: BertModel,
        on data: EncodedDataset,
        seed: UInt64,
        pool: WorkerPool
    ) throws(Failure) -> (scores: ImportanceScores, exampleCount: Int) {
        let batches = try sample(of: data, seed: seed)
        let scores = ImportanceScores(of: model, on: batches, targets: data.targets, pool: pool)
        return (scores, batches.reduce(0) { $0 + $1.examples.count })
    }

    /// The examples that importance is judged by, 1024 at most.
    static func sample(
        of data: EncodedDataset,
        seed: UInt64
    ) throws(Failure) -> [TrainingBatch] {
        var batches: [TrainingBatch] = []
        var stream = data.epoch(0, batchSize: 32, seed: seed)
        while batches.count < 1024 / 32, let batch = try stream.next() { batches.append(batch) }
        return batches
    }

    /// The indexes of the `count` largest scores, ascending; the first among equals.
    package static func best(_ count: Int, of scores: some Collection<Double>) -> [Int] {
        let scores = Array(scores)
        let order = scores.indices.sorted {
            scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1
        }
        return order.prefix(count).sorted()
    }
}

/// Weight · gradient, element by element, summed along an axis.
private struct Products {
    let model: BertModel
    let gradients: Gradients

    private func product(_ slot: ParameterSlot) -> (Int) -> Double {
        let (weight, gradient) = (model.weights.pointer(slot), gradients.dense.pointer(slot))
        return { Double(weight[$0]) * Double(gradient[$0]) }
    }

    func columnSums(_ slot: ParameterSlot) -> [Double] {
        let (product, columns) = (product(slot), slot.shape[1])
        var sums = [Double](repeating: 0, count: columns)
        for row in 0..<slot.shape[0] {
            for column in 0..<columns { sums[column] += product(row * columns + column) }
        }
        return sums
    }

    func rowSums(_ linear: BertParameters<ParameterSlot>.Linear) -> [Double] {
        let (weight, bias) = (product(linear.weight), product(linear.bias))
        let columns = linear.weight.shape[1]
        return (0..<linear.weight.shape[0]).map { row in
            (0..<columns).reduce(bias(row)) { $0 + weight(row * columns + $1) }
        }
    }

    func sums(_ norm: BertParameters<ParameterSlot>.LayerNorm) -> [Double] {
        let (weight, bias) = (product(norm.weight), product(norm.bias))
        return (0..<norm.weight.shape[0]).map { weight($0) + bias($0) }
    }
}
