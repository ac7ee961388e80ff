import Bert
import Diagnostics
import Distillation
import Kernels
import Randomness
import Tensors
import TestSupport
import Testing
import Tokenization

@Suite("Factorised embeddings")
struct EmbeddingFactorizationTests {
    private let pool = WorkerPool(workerCount: 2)

    private static func batch() -> PackedBatch {
        var random = Philox(seed: 8, purpose: .sampling)
        return PackedBatch(
            [3, 8, 1, 5].map { length in
                let ids = (0..<length).map { _ in Int32.random(in: 0..<9, using: &random) }
                let types = (0..<length).map { Int32($0 > 2 ? 1 : 0) }
                return Encoding(ids: ids, tokenTypes: types, truncated: 0)
            }
        )
    }

    /// A teacher of 12 dimensions whose embeddings lie in a span of `rank` that holds the vector of ones.
    private func teacher(
        _ type: ModelType = .electra,
        rank: Int,
        head: Head = .sequenceClassification
    ) -> BertModel {
        var configuration = teacherConfiguration
        configuration.modelType = type
        configuration.head = head
        configuration.initializerRange = 0.4
        var parameters = BertModel(configuration, seed: 3).parameters
        var random = Philox(seed: 4, purpose: .sampling)
        func vector(_ count: Int) -> [Float] { (0..<count).map { _ in Float(random.nextNormal()) } }
        let span = [[Float](repeating: 1, count: 12)] + (1..<rank).map { _ in vector(12) }
        func table(_ rows: Int) -> Tensor {
            let values = (0..<rows).flatMap { _ -> [Float] in
                let mix = vector(rank)
                return (0..<12).map { column in
                    (0..<rank).reduce(Float(0)) { $0 + mix[$1] * span[$1][column] }
                }
            }
            return Tensor(shape: [rows, 12], values: values)
        }
        parameters.embeddings.wordEmbeddings.weight = table(9)
        parameters.embeddings.positionEmbeddings.weight = table(8)
        parameters.embeddings.tokenTypeEmbeddings?.weight = table(2)
        parameters.embeddings.layerNorm.weight.values = vector(12).map { 1 + 0.3 * $0 }
        parameters.embeddings.layerNorm.bias.values = vector(12).map { 0.3 * $0 }
        return BertModel(configuration, parameters: parameters)
    }

    private func factorized(_ model: BertModel, _ size: Int) throws -> BertModel {
        try EmbeddingFactorization(size: size)
            .apply(to: Student(model: model, origin: []), seed: 1, pool: pool).model
    }

    private func logits(_ model: BertModel) -> [Float] {
        BertInference(model, pool: pool).logits(Self.batch())
    }

    @Test("embeddings in the span of the directions answer as before, and again in another step")
    func exact() throws {
        let teacher = teacher(rank: 5)
        let once = try factorized(teacher, 7)
        let twice = try factorized(once, 5)
        for (model, size) in [(once, 7), (twice, 5)] {
            #expect(model.configuration.embeddingSize == size)
            #expect(model.parameters.embeddings.wordEmbeddings.weight.shape == [9, size])
            #expect(model.parameters.embeddingsProject?.weight.shape == [12, size])
            expectClose(
                actual: logits(model),
                expected: logits(teacher),
                absolute: 1e-4,
                reason: "\(size) of 5 dimensions"
            )
        }
        // Fewer than there are change the answers.
        let fewer = try factorized(teacher, 4)
        #expect(
            mismatch(actual: logits(fewer), expected: logits(teacher), absolute: 1e-3) != nil
        )
    }

    @Test("of a BERT an ELECTRA is made, whose first hidden states are the same")
    func family() throws {
        let teacher = teacher(.bert, rank: 4)
        let student = try EmbeddingFactorization(size: 4)
            .apply(to: Student(model: teacher, origin: ["first"]), seed: 1, pool: pool)
        #expect(student.model.configuration.modelType == .electra)
        #expect(student.origin.first == "first")
        #expect(
            student.origin.last?.contains("factorised into 4 singular directions of 12") == true
        )
        #expect(student.origin.last?.contains("100 % of their energy") == true)
        let memory = IntermediateMemory()
        func states(_ model: BertModel) -> [Float] {
            let found = BertInference(model, pool: pool).intermediate(
                Self.batch(),
                IntermediateSelection(hiddenStates: [0]),
                in: memory
            )
            return found.hiddenStates[0]?.values ?? []
        }
        expectClose(
            actual: states(student.model),
            expected: states(teacher),
            absolute: 1e-4,
            reason: "the embeddings' output"
        )
    }

    @Test("the table of words holds the energy of the largest singular values")
    func truncated() throws {
        let teacher = teacher(rank: 9)
        let table = teacher.parameters.embeddings.wordEmbeddings.weight
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
        let own = try factorized(teacher, 3).parameters.embeddings.wordEmbeddings.weight
        let energy = own.values.reduce(0.0) { $0 + Double($1) * Double($1) }
        let expected = found.values.prefix(3).reduce(0, +)
        #expect(abs(energy - expected) < 1e-4 * expected)
    }

    @Test("a masked language model keeps its decoder's bias and has a new transform")
    func words() throws {
        let teacher = teacher(.bert, rank: 9, head: .maskedLanguageModel)
        let student = try factorized(teacher, 5)
        let (own, other) = (student.parameters.predictions, teacher.parameters.predictions)
        #expect(own?.transform.dense.weight.shape == [5, 12])
        #expect(own?.transform.layerNorm.weight.shape == [5])
        #expect(own?.bias == other?.bias)
    }

    @Test("families and widths that cannot be are refused in a sentence")
    func refusals() {
        for (type, size, sentence) in [
            (ModelType.distilbert, 4, "a distilbert model does not have"),
            (.xlmRoberta, 4, "a xlm-roberta model does not have"),
            (.bert, 12, "12 is not below the width of 12"),
            (.electra, 20, "20 is not below the width of 12"),
        ] {
            var configuration = teacherConfiguration
            configuration.modelType = type
            let failure = #expect(throws: Failure.self) {
                try EmbeddingFactorization(size: size).configuration(of: configuration)
            }
            #expect(failure?.kind == .usage)
            #expect(
                failure?.description.contains(sentence) == true,
                "\(failure?.description ?? "")"
            )
        }
    }
}
