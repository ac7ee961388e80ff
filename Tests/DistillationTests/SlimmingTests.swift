import Bert
import Datasets
import Diagnostics
import Distillation
import Kernels
import Randomness
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

/// A teacher with answers that differ, and labelled examples for it.
private struct SlimmingBench {
    let pool = WorkerPool(workerCount: 2)
    let data: EncodedDataset
    var teacher: BertModel

    init() throws {
        var configuration = teacherConfiguration
        configuration.initializerRange = 0.5
        teacher = BertModel(configuration, seed: 7)
        var random = Philox(seed: 5, purpose: .sampling)
        var text = "sentence\tlabel\n"
        for row in 0..<24 { text += "t\(row)\t\(row % 3)\n" }
        let file = try TaskFile(bytes: Array(text.utf8), name: "small.tsv")
        let encodings = (0..<24).map { row in
            let ids = (0..<3 + row % 5).map { _ in Int32.random(in: 0..<9, using: &random) }
            return Encoding(ids: ids, tokenTypes: ids.map { _ in 0 }, truncated: 0)
        }
        data = try EncodedDataset(
            file,
            kind: .classification(labels: ["0", "1", "2"])
        ) { (PackedBatch(encodings), 0) }
    }

    /// Changes the teacher's weights.
    func change(_ edit: (inout BertParameters<Tensor>) -> Void) -> BertModel {
        var parameters = teacher.parameters
        edit(&parameters)
        return BertModel(teacher.configuration, parameters: parameters)
    }

    func slim(
        _ method: SlimmingMethod,
        _ layers: [Int] = [0, 1, 2, 3],
        hidden: Int? = nil,
        heads: Int? = nil,
        intermediate: Int? = nil
    ) throws -> BertParameters<Tensor> {
        try student(method, layers, hidden: hidden, heads: heads, intermediate: intermediate)
            .model.parameters
    }

    func student(
        _ method: SlimmingMethod,
        _ layers: [Int] = [0, 1, 2, 3],
        hidden: Int? = nil,
        heads: Int? = nil,
        intermediate: Int? = nil
    ) throws -> Student {
        try .slimmed(
            method,
            layers: layers,
            of: teacher,
            shape: StudentShape(
                layers: nil,
                hidden: hidden,
                heads: heads,
                intermediate: intermediate
            ),
            data: data,
            seed: 1,
            pool: pool
        )
    }

    var batch: PackedBatch { data.batch(0..<24) }

    func logits(_ model: BertModel) -> [Float] { BertInference(model, pool: pool).logits(batch) }
}

@Suite("Slimmed students")
struct SlimmingTests {
    @Test("at the teacher's widths a selection is the teacher's layers bit for bit")
    func identity() throws {
        let bench = try SlimmingBench()
        for method in [SlimmingMethod.leading, .importance] {
            let (own, all) = (try bench.slim(method, [0, 2]), bench.teacher.parameters)
            var expected = all
            expected.encoder.layer = [all.encoder.layer[0], all.encoder.layer[2]]
            for (found, wanted) in zip(own.leaves, expected.leaves) {
                #expect(found.leaf == wanted.leaf, "\(found.name)")
            }
        }
    }

    @Test("leading dimensions are the first, with the query scaled for narrower heads")
    func leading() throws {
        let bench = try SlimmingBench()
        let own = try bench.slim(.leading, [1], hidden: 6, heads: 2, intermediate: 5)
        let all = bench.teacher.parameters
        func slice(_ tensor: Tensor, _ rows: [Int], _ columns: [Int]) -> [Float] {
            rows.flatMap { row in columns.map { tensor.values[row * tensor.shape[1] + $0] } }
        }
        let (hidden, neurons) = (Array(0..<6), Array(0..<5))
        // Two heads of three out of heads of four.
        let heads = [0, 1, 2, 4, 5, 6]
        let (layer, source) = (own.encoder.layer[0], all.encoder.layer[1])
        let factor = Float((3.0 / 4).squareRoot())
        let query = source.attention.selfAttention.query
        #expect(
            layer.attention.selfAttention.query.weight.values
                == slice(query.weight, heads, hidden).map { $0 * factor }
        )
        #expect(
            layer.attention.selfAttention.key.weight.values
                == slice(source.attention.selfAttention.key.weight, heads, hidden)
        )
        #expect(
            layer.attention.output.dense.weight.values
                == slice(source.attention.output.dense.weight, hidden, heads)
        )
        #expect(
            layer.intermediate.dense.weight.values
                == slice(source.intermediate.dense.weight, neurons, hidden)
        )
        #expect(
            layer.output.dense.weight.values
                == slice(source.output.dense.weight, hidden, neurons)
        )
        #expect(
            own.embeddings.wordEmbeddings.weight.values
                == slice(all.embeddings.wordEmbeddings.weight, Array(0..<9), hidden)
        )
        #expect(own.classifier?.weight.shape == [3, 6])
    }

    @Test("neurons and heads that change nothing are the ones left out")
    func importance() throws {
        var bench = try SlimmingBench()
        let dead = [1, 2, 5, 6, 7, 11, 13, 14, 18, 19]
        bench.teacher = bench.change { parameters in
            for index in parameters.encoder.layer.indices {
                for neuron in dead {
                    for row in 0..<12 {
                        parameters.encoder.layer[index].output.dense.weight
                            .values[row * 20 + neuron] = 0
                    }
                }
                for row in 0..<12 {
                    // The second of three heads writes nothing.
                    for column in 4..<8 {
                        parameters.encoder.layer[index].attention.output.dense.weight
                            .values[row * 12 + column] = 0
                    }
                    parameters.encoder.layer[index].attention.selfAttention.value.bias
                        .values[row] = Float(row)
                }
            }
        }
        let fewer = try bench.student(.importance, intermediate: 10)
        expectClose(
            actual: bench.logits(fewer.model),
            expected: bench.logits(bench.teacher),
            absolute: 1e-5,
            reason: "without dead neurons"
        )
        let narrow = try bench.slim(.importance, [0, 3], hidden: 8, heads: 2)
        for layer in narrow.encoder.layer {
            #expect(
                layer.attention.selfAttention.value.bias.values == [0, 1, 2, 3, 8, 9, 10, 11]
            )
        }
    }

    @Test("a score is what the loss's derivative with respect to a mask is")
    func finiteDifferences() throws {
        let bench = try SlimmingBench()
        var stream = bench.data.epoch(0, batchSize: 24, seed: 1)
        let batch = try #require(try stream.next())
        let scores = ImportanceScores(
            of: bench.teacher,
            on: [batch],
            targets: bench.data.targets,
            pool: bench.pool
        )
        let objective = CrossEntropyLoss(targets: bench.data.targets, classCount: 3)
        func loss(_ edit: (inout BertParameters<Tensor>) -> Void) -> Double {
            let model = bench.change(edit)
            let logits = BertInference(model, pool: bench.pool).logits(batch.sequences)
            return objective.evaluate(logits: logits, examples: batch.examples).loss
        }
        func derivative(
            _ edit: (inout BertParameters<Tensor>, _ factor: Float) -> Void
        ) -> Double {
            let step: Float = 1e-2
            return (loss { edit(&$0, 1 + step) } - loss { edit(&$0, 1 - step) }) / 2e-2
        }
        func expect(_ score: Double, _ slope: Double, _ what: String) {
            #expect(abs(score - abs(slope)) < 2e-3 * max(1, abs(score)), "\(what)")
        }
        for neuron in [0, 7, 19] {
            let slope = derivative { parameters, factor in
                for row in 0..<12 {
                    parameters.encoder.layer[2].output.dense.weight.values[row * 20 + neuron] *=
                        factor
                }
            }
            expect(scores.layers[2].neurons[neuron], slope, "neuron \(neuron)")
        }
        for head in 0..<3 {
            let slope = derivative { parameters, factor in
                for row in 0..<12 {
                    for column in head * 4..<head * 4 + 4 {
                        parameters.encoder.layer[1].attention.output.dense.weight
                            .values[row * 12 + column] *= factor
                    }
                }
            }
            expect(scores.layers[1].heads[head], slope, "head \(head)")
        }
        for dimension in [0, 5, 11] {
            let slope = derivative { parameters, factor in
                for column in 0..<12 {
                    parameters.encoder.layer[0].attention.selfAttention.query.weight
                        .values[dimension * 12 + column] *= factor
                }
                parameters.encoder.layer[0].attention.selfAttention.query.bias.values[dimension] *=
                    factor
            }
            expect(scores.layers[0].queries[dimension], slope, "query \(dimension)")
            let key = derivative { parameters, factor in
                for column in 0..<12 {
                    parameters.encoder.layer[0].attention.selfAttention.key.weight
                        .values[dimension * 12 + column] *= factor
                }
                parameters.encoder.layer[0].attention.selfAttention.key.bias.values[dimension] *=
                    factor
            }
            expect(scores.layers[0].queries[dimension], key, "key \(dimension)")
        }
        let pooled = derivative { parameters, factor in
            for row in 0..<3 { parameters.classifier?.weight.values[row * 12 + 4] *= factor }
        }
        expect(scores.pooled[4], pooled, "pooled dimension")
    }

    @Test(
        "a rotation to all principal directions changes no answer where normalisations are plain",
        arguments: [SlimmingMethod.pca, .svd]
    )
    func rotation(_ method: SlimmingMethod) throws {
        // With weight 1 and bias 0 layer normalisation commutes with rotations that keep the mean.
        let bench = try SlimmingBench()
        let student = try bench.student(method)
        #expect(student.model.parameters.embeddings.wordEmbeddings.weight.shape == [9, 12])
        expectClose(
            actual: bench.logits(student.model),
            expected: bench.logits(bench.teacher),
            absolute: 2e-3,
            reason: method.rawValue
        )
        #expect(
            student.model.parameters.embeddings.wordEmbeddings.weight
                != bench.teacher.parameters.embeddings.wordEmbeddings.weight
        )
    }

    @Test("narrow embeddings hold the energy of the largest singular values")
    func truncatedDecomposition() throws {
        let bench = try SlimmingBench()
        let table = bench.teacher.parameters.embeddings.wordEmbeddings.weight
        let own = try bench.slim(.svd, [0], hidden: 6, heads: 2).embeddings.wordEmbeddings.weight
        var moments = [Double](repeating: 0, count: 144)
        for row in 0..<9 {
            for i in 0..<12 {
                for j in 0..<12 {
                    moments[i * 12 + j] +=
                        Double(table.values[row * 12 + i]) * Double(table.values[row * 12 + j])
                }
            }
        }
        let found = try #require(SymmetricEigenvectors(moments, size: 12))
        let expected = found.values.prefix(6).reduce(0, +)
        let energy = own.values.reduce(0.0) { $0 + Double($1) * Double($1) }
        #expect(abs(energy - expected) < 1e-4 * expected)
    }

    @Test("any number of workers gives the same bits, another seed another sample")
    func workers() throws {
        let bench = try SlimmingBench()
        for method in SlimmingMethod.allCases {
            func weights(_ workers: Int) throws -> [[UInt32]] {
                try Student.slimmed(
                    method,
                    layers: [0, 3],
                    of: bench.teacher,
                    shape: StudentShape(layers: nil, hidden: 6, heads: 2, intermediate: 7),
                    data: bench.data,
                    seed: 1,
                    pool: WorkerPool(workerCount: workers)
                ).model.parameters.leaves.map { $0.leaf.values.map(\.bitPattern) }
            }
            #expect(try weights(1) == weights(3), "\(method)")
        }
    }

    @Test(
        "shapes that a teacher does not hold are refused in a sentence",
        arguments: [
            (
                StudentShape(layers: nil, hidden: 24, heads: nil, intermediate: nil),
                "--hidden is 24"
            ),
            (StudentShape(layers: nil, hidden: nil, heads: 6, intermediate: nil), "--heads is 6"),
            (
                StudentShape(layers: nil, hidden: nil, heads: nil, intermediate: 21),
                "--intermediate is 21 and the teacher has 20"
            ),
            (
                StudentShape(layers: nil, hidden: 10, heads: nil, intermediate: nil),
                "3 heads do not divide a width of 10"
            ),
            (
                StudentShape(layers: nil, hidden: 12, heads: 2, intermediate: nil),
                "2 heads over 12 are 6 wide. Give it at least 3 heads"
            ),
        ]
    )
    func refusals(_ shape: StudentShape, _ sentence: String) {
        let failure = #expect(throws: Failure.self) {
            _ = try shape.slimmed(teacherConfiguration, layers: [0])
        }
        #expect(failure?.kind == .usage)
        #expect(failure?.description.contains(sentence) == true, "\(failure?.description ?? "")")
    }

    @Test("a layer that the teacher lacks is refused")
    func missingLayer() {
        let shape = StudentShape(layers: nil, hidden: 6, heads: 3, intermediate: nil)
        let failure = #expect(throws: Failure.self) {
            _ = try shape.slimmed(teacherConfiguration, layers: [0, 4])
        }
        #expect(failure?.description.contains("layers 0 to 3, not 4") == true)
    }
}

@Suite("Eigenvectors of symmetric matrices")
struct SymmetricEigenvectorsTests {
    @Test("rows of length one, orthogonal, largest value first, that give the matrix again")
    func decomposition() throws {
        let size = 17
        var random = Philox(seed: 3, purpose: .sampling)
        var matrix = [Double](repeating: 0, count: size * size)
        for i in 0..<size {
            for j in 0...i {
                matrix[i * size + j] = random.nextNormal()
                matrix[j * size + i] = matrix[i * size + j]
            }
        }
        let found = try #require(SymmetricEigenvectors(matrix, size: size))
        #expect(found.values == found.values.sorted(by: >))
        func vector(_ row: Int) -> ArraySlice<Double> {
            found.vectors[row * size..<(row + 1) * size]
        }
        for i in 0..<size {
            for j in 0..<size {
                let dot = zip(vector(i), vector(j)).reduce(0) { $0 + $1.0 * $1.1 }
                #expect(abs(dot - (i == j ? 1 : 0)) < 1e-12)
                let element = (0..<size).reduce(0.0) {
                    $0 + found.values[$1] * found.vectors[$1 * size + i]
                        * found.vectors[$1 * size + j]
                }
                #expect(abs(element - matrix[i * size + j]) < 1e-12)
            }
        }
    }

    @Test("values that are not finite have none")
    func notFinite() {
        #expect(SymmetricEigenvectors([1, .nan, .nan, 1], size: 2) == nil)
    }
}
