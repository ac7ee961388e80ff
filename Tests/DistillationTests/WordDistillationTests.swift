import Bert
import Datasets
import Diagnostics
import Distillation
import Evaluation
import Foundation
import Kernels
import Tensors
import Testing
import Tokenization
import Training

@Suite("Distillation of token classifiers")
struct WordDistillationTests {
    private static let labels = ["O", "B-X", "I-X"]
    private static let pieces =
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        + (0..<26).map {
            String(UnicodeScalar(UInt8(97 + $0)))
        } + ["##a", "##b"]

    private static let configuration = BertConfiguration(
        head: .tokenClassification,
        hiddenSize: 24,
        hiddenLayerCount: 3,
        attentionHeadCount: 3,
        intermediateSize: 40,
        vocabularySize: pieces.count,
        maximumPositionCount: 32,
        tokenTypeCount: 2,
        layerNormEpsilon: 1e-12,
        activation: .gelu,
        hiddenDropoutProbability: 0.1,
        attentionDropoutProbability: 0.1,
        classifierDropout: nil,
        initializerRange: 0.3,
        padTokenID: 0,
        labels: labels,
        problemType: .classification
    )

    private let teacher = BertModel(configuration, seed: 5)
    private let pool = WorkerPool(workerCount: 2)

    private func tokenizer() throws -> WordPieceTokenizer {
        WordPieceTokenizer(
            vocabulary: try Vocabulary(pieces: Self.pieces),
            configuration: TokenizerConfiguration(lowercase: true, modelMaximumLength: 32)
        )
    }

    /// Sentences of letters; a label depends on the letter and the one before.
    private func data(_ sentences: Int = 60, first: Int = 0) throws -> EncodedDataset {
        var text = ""
        for sentence in first..<first + sentences {
            for word in 0..<2 + sentence % 7 {
                let letter = (sentence * 7 + word * 5) % 26
                let name = String(UnicodeScalar(UInt8(97 + letter))) + (word % 3 == 0 ? "ab" : "")
                text += "\(name)\t\(Self.labels[letter % 3])\n"
            }
            text += "\n"
        }
        return try EncodedDataset(
            WordFile(bytes: Array(text.utf8), name: "w.txt"),
            labels: Self.labels,
            tokenizer: tokenizer(),
            maximumLength: 32
        )
    }

    private func temporary(_ body: (URL) throws -> Void) throws {
        let url = FileManager.default.temporaryDirectory
            .appending(path: "bertkit-words-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: url) }
        try body(url)
    }

    @Test func `answers to words are kept and found again, sentence by sentence`() throws {
        let inference = BertInference(teacher, pool: pool)
        try temporary { folder in
            let cache = AnswerCache(folder: folder, teacher: teacher)
            for (data, missing) in [
                (try data(20), Array(0..<20)), (try data(20, first: 10), Array(10..<20)),
                (try data(30), []),
            ] {
                var asked: [Int] = []
                let found = try cache.answers(to: data) { missing in
                    asked = missing
                    return inference.logits(data.batch(missing))
                }
                #expect(asked == missing && found.found == data.count - missing.count)
                #expect(found.logits.count == 3 * data.answerCount)
                let expected = try ModelRunner.logits(teacher, on: data, pool: pool)
                #expect(zip(found.logits, expected).allSatisfy { abs($0 - $1) < 1e-5 })
            }
        }
    }

    @Test(arguments: [SlimmingMethod.leading, .importance, .pca, .svd])
    func `a student as wide as its teacher answers as it does`(_ method: SlimmingMethod) throws {
        // Normalisations of weight 1 and bias 0, as new ones are, keep every direction exact.
        let data = try data()
        let student = try Student.slimmed(
            method,
            layers: [0, 1, 2],
            of: teacher,
            shape: StudentShape(layers: nil, hidden: nil, heads: nil, intermediate: nil),
            data: data,
            seed: 1,
            pool: pool
        )
        let own = try ModelRunner.logits(student.model, on: data, pool: pool)
        let expected = try ModelRunner.logits(teacher, on: data, pool: pool)
        let largest = zip(own, expected).map { abs($0 - $1) }.max() ?? .infinity
        #expect(largest < 2e-3, "\(largest)")
    }

    @Test func `a student comes close to its teacher, whatever the workers`() throws {
        let data = try data()
        let logits = try ModelRunner.logits(teacher, on: data, pool: pool)
        func student(_ workers: Int) throws -> (BertModel, TrainingResult) {
            let pool = WorkerPool(workerCount: workers)
            let shape = StudentShape(layers: 2, hidden: nil, heads: nil, intermediate: nil)
            let model = try Student.copying(layers: [0, 2], of: teacher, shape: shape).model
            let judge = DevelopmentJudge(data: data, metric: .divergence, teacherLogits: logits)
            var objectives = StageObjectives(
                student: model.configuration,
                teacher: BertInference(teacher, pool: pool),
                data: data,
                teacherLogits: logits,
                workerCount: workers,
                seed: 1
            )
            let recipe = try #require(Recipe.named("logits", text: false)).resolved(
                student: model.configuration,
                teacher: teacher.configuration,
                hasText: false
            )
            let configuration = TrainingConfiguration(
                epochs: 6,
                batchSize: 8,
                gradientAccumulation: 2,
                learningRate: 2e-3,
                warmupProportion: 0.1,
                optimizer: AdamW.Constants(weightDecay: 0.01, clipNorm: 1),
                seed: 3,
                evaluateEvery: nil
            )
            let trainer = Trainer(
                model,
                data: data,
                objective: try objectives.next(recipe.stages[0]),
                configuration: configuration,
                pool: pool,
                score: { () throws(Failure) in try judge.score(of: model, pool: pool) }
            )
            return (model, try trainer.run { _ in })
        }
        let (one, result) = try student(1)
        let scores = result.evaluations.map(\.score.value)
        #expect(scores.count == 6 && scores[5] < 0.5 * scores[0], "\(scores)")
        let (two, _) = try student(2)
        let parameters = [one, two].map { $0.parameters.leaves.map(\.leaf.values) }
        #expect(parameters[0] == parameters[1])
    }

    @Test func `in plain text the first pieces of words are answered`() throws {
        try temporary { folder in
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let url = folder.appending(path: "text.txt")
            try Data("cab d\n".utf8).write(to: url)
            for answersWords in [true, false] {
                let text = TextData(
                    try PlainText(path: url.path),
                    tokenizer: try tokenizer(),
                    maximumLength: 32,
                    answersWords: answersWords
                )
                var stream = text.epoch(0, batchSize: 4, seed: 1)
                let batch = try #require(try stream.next())
                // [CLS] c ##a ##b d [SEP]
                #expect(batch.sequences.tokenCount == 6)
                #expect(batch.sequences.answered == (answersWords ? [1, 4] : nil))
                #expect(batch.answers.count == (answersWords ? 2 : 1))
            }
        }
    }

    @Test func `F1 is of entities where labels mark them`() {
        let logits: [Float] = [0, 1, 0, 0, 0, 1, 1, 0, 0]  // B-X I-X O
        func score(_ labels: [String], _ sentences: [Int]?) -> Double {
            DevelopmentScore(
                .f1,
                logits: logits,
                targets: [1, 1, 0],
                kind: .classification(labels: labels),
                sentences: sentences
            ).value
        }
        // Two true entities, one answered: none right.
        #expect(score(Self.labels, [0, 3]) == 0)
        // Sentence by sentence the second word is one of its own: two of two.
        #expect(score(Self.labels, [0, 1, 3]) == 1)
        #expect(score(["a", "b", "c"], [0, 3]) == score(Self.labels, nil))
    }
}
