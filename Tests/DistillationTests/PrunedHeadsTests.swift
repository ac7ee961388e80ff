import Bert
import Datasets
import Diagnostics
import Distillation
import Kernels
import Randomness
import Tensors
import Testing
import Tokenization
import Training

/// Students and teachers whose layers have different numbers of heads.
@Suite("Distilling models with pruned heads")
struct PrunedHeadsTests {
    /// Layers of three heads and one.
    private static let student: BertConfiguration = {
        var configuration = LayerGolden.sized(hidden: 12, layers: 2, heads: 3)
        configuration.prunedHeads = [1: [0, 2]]
        return configuration
    }()
    /// Layers of four heads, three, one and two.
    private static let teacher: BertConfiguration = {
        var configuration = LayerGolden.sized(hidden: 24, layers: 4, heads: 4)
        configuration.prunedHeads = [1: [3], 2: [0, 1, 3], 3: [1, 2]]
        return configuration
    }()

    private static let objectives: [any LayerObjective] = Reduction.allCases.flatMap { reduction in
        let equal = [LayerPair(1, 2), LayerPair(2, 3)]
        return [
            AttentionScoreLoss(pairs: equal, reduction: reduction),
            AttentionScoreLoss(
                pairs: [LayerPair(1, 4), LayerPair(2, 1)],
                heads: .mean,
                reduction: reduction
            ),
            AttentionDistributionLoss(pairs: equal, reduction: reduction),
            RelationLoss(
                vectors: .query,
                headCount: 2,
                pair: LayerPair(2, 2),
                reduction: reduction
            ),
            RelationLoss(
                vectors: .value,
                headCount: 6,
                pair: LayerPair(1, 3),
                reduction: reduction
            ),
        ] as [any LayerObjective]
    }

    @Test("the gradient is the loss's slope along any direction", arguments: objectives.indices)
    func slope(index: Int) throws {
        let objective = Self.objectives[index]
        try objective.check(student: Self.student, teacher: Self.teacher)
        let lengths = [2, 7, 1, 19, 4]
        let bench = Bench(
            lengths: lengths,
            objective,
            student: Self.student,
            teacher: Self.teacher
        )
        var random = Philox(seed: 12, purpose: .sampling)
        for outputs in [bench.student, bench.teacher] {
            Bench.visit(outputs, lengths.count) { $1.pointee = Float(random.nextNormal()) }
        }
        let base = bench.values(bench.student)
        _ = bench.evaluate(weight: 0.7, cuts: [2])
        let gradient = bench.values(bench.gradient)
        var direction = base
        for name in direction.keys.sorted() {
            direction[name] = direction[name]?.map { _ in Float(random.nextNormal()) }
        }
        func shifted(_ step: Float) -> Double {
            var values = base
            for (name, slope) in direction {
                values[name] = zip(values[name] ?? [], slope).map { $0 + step * $1 }
            }
            bench.fill(bench.student, from: values)
            return bench.evaluate(cuts: [2])
        }
        let slope = (shifted(4e-3) - shifted(-4e-3)) / 8e-3
        var product = 0.0
        for (name, values) in gradient {
            for (a, b) in zip(values, direction[name] ?? []) { product += Double(a) * Double(b) }
        }
        #expect(
            abs(product - 0.7 * slope) <= 2e-3 * max(abs(0.7 * slope), 0.02),
            "\(objective.name): \(product) \(0.7 * slope)"
        )
    }

    @Test("layers that cannot be compared are refused by their own numbers")
    func refusals() {
        let unequal = AttentionScoreLoss(pairs: [LayerPair(2, 4)], reduction: .tokenMean)
        let heads = #expect(throws: Failure.self) {
            try unequal.check(student: Self.student, teacher: Self.teacher)
        }
        #expect(
            heads?.reason
                == "it compares head with head, but the student's layer 2 has 1 heads and the teacher's "
                + "layer 4 has 2"
        )
        let relation = RelationLoss(
            vectors: .key,
            headCount: 3,
            pair: LayerPair(2, 2),
            reduction: .tokenMean
        )
        let width = #expect(throws: Failure.self) {
            try relation.check(student: Self.student, teacher: Self.teacher)
        }
        #expect(width?.reason == "3 relation heads do not divide the student's width of 4")
        #expect(
            RelationLoss.possibleHeadCounts(Self.student, Self.teacher, LayerPair(2, 2)) == [1, 2]
        )
    }

    @Test("a student of some layers has their heads")
    func copied() throws {
        let teacher = BertModel(Self.teacher, seed: 3)
        let shape = StudentShape(layers: nil, hidden: nil, heads: nil, intermediate: nil)
        let student = try Student.copying(layers: [1, 3], of: teacher, shape: shape).model
        #expect(student.configuration.prunedHeads == [0: [3], 1: [1, 2]])
        #expect(
            student.parameters.encoder.layer[1].attention.output.dense.weight
                == teacher.parameters.encoder.layer[3].attention.output.dense.weight
        )
    }

    private func data() throws -> EncodedDataset {
        var random = Philox(seed: 5, purpose: .sampling)
        var text = "sentence\tlabel\n"
        for row in 0..<24 { text += "t\(row)\t\(row % 3)\n" }
        let encodings = (0..<24).map { row in
            let ids = (0..<3 + row % 5).map { _ in Int32.random(in: 0..<9, using: &random) }
            return Encoding(ids: ids, tokenTypes: ids.map { _ in 0 }, truncated: 0)
        }
        return try EncodedDataset(
            try TaskFile(bytes: Array(text.utf8), name: "small.tsv"),
            kind: .classification(labels: ["0", "1", "2"])
        ) { (PackedBatch(encodings), 0) }
    }

    @Test(
        "a slimmed student that is no narrower is its teacher, and one of fewer heads has no more"
    )
    func slimmed() throws {
        var configuration = Self.teacher
        configuration.initializerRange = 0.5
        let teacher = BertModel(configuration, seed: 7)
        func slim(hidden: Int?, heads: Int?) throws -> BertModel {
            try Student.slimmed(
                .importance,
                layers: [0, 1, 2, 3],
                of: teacher,
                shape: StudentShape(layers: nil, hidden: hidden, heads: heads, intermediate: nil),
                data: data(),
                seed: 1,
                pool: WorkerPool(workerCount: 2)
            ).model
        }
        let same = try slim(hidden: nil, heads: nil)
        #expect(same.configuration == configuration)
        for (one, other) in zip(same.parameters.leaves, teacher.parameters.leaves) {
            #expect(one.leaf == other.leaf, "\(one.name)")
        }
        let narrow = try slim(hidden: 12, heads: 2)
        #expect(narrow.configuration.headSize == 6)
        #expect((0..<4).map(narrow.configuration.headCount(ofLayer:)) == [2, 2, 1, 2])
        #expect(narrow.configuration.prunedHeads == [2: [1]])
    }
}
