public import Bert
public import Datasets
public import Diagnostics
public import Kernels
import Tensors
import Training

extension Student {
    /// A narrower student out of some of a teacher's layers.
    ///
    /// Heads, neurons and directions that are taken over keep the teacher's weights; the query is scaled
    /// so that scores over fewer dimensions per head keep their size. Where nothing is narrower, a
    /// selection is the teacher's layers bit for bit.
    ///
    /// - Parameters:
    ///   - layers: the teacher's layers from 0, one per student layer.
    ///   - data: labelled examples; a seeded sample of them is read.
    ///   - adjust: changes what of the configuration is no shape, such as dropout.
    /// - Throws: `Failure` of kind `.usage` for a shape that this teacher does not hold, `.limit` where
    ///   LAPACK is needed and missing.
    public static func slimmed(
        _ method: SlimmingMethod,
        layers: [Int],
        of teacher: BertModel,
        shape: StudentShape,
        data: EncodedDataset,
        seed: UInt64,
        pool: WorkerPool,
        adjust: (inout BertConfiguration) -> Void = { _ in }
    ) throws(Failure) -> Student {
        var configuration = try shape.slimmed(teacher.configuration, layers: layers)
        adjust(&configuration)
        let batches = try ImportanceScores.sample(of: data, seed: seed)
        let states = [0] + layers.map { $0 + 1 }
        let inference = BertInference(teacher, pool: pool)
        let scores =
            method == .leading
            ? nil : ImportanceScores(of: teacher, on: batches, targets: data.targets, pool: pool)

        var energy = 1.0
        let basis: HiddenBasis
        switch method {
        case .leading: basis = .selection(Array(0..<configuration.hiddenSize))
        case .importance:
            basis = .selection(
                ImportanceScores.best(configuration.hiddenSize, of: scores?.hidden ?? [])
            )
        case .pca:
            let found = try PrincipalDirections(
                of: inference,
                states: states,
                batches: batches,
                count: configuration.hiddenSize
            )
            (basis, energy) = (.projection(found.basis), found.energy)
        case .svd:
            let found = try PrincipalDirections(
                ofRows: teacher.parameters.embeddings.wordEmbeddings.weight,
                count: configuration.hiddenSize
            )
            (basis, energy) = (.projection(found.basis), found.energy)
        }
        let slimming = Slimming(
            teacher: teacher,
            configuration: configuration,
            basis: basis,
            energy: energy,
            scores: scores,
            pool: pool
        )
        let model = BertModel(configuration, parameters: slimming.parameters(layers))
        var origin = slimming.origin(method, layers: layers)
        if case .projection(let directions) = basis {
            NormalizationFit(teacher: inference, basis: directions, batches: batches, pool: pool)
                .fit(model, to: states)
        }
        if method != .leading {
            let count = batches.reduce(0) { $0 + $1.examples.count }
            origin.append("judged on \(count) training examples, drawn by seed \(seed)")
        }
        return Student(model: model, origin: origin)
    }
}
