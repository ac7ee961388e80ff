import Augmentation
import Bert
import Datasets
import Distillation
import Kernels
import Testing
import Tokenization
import Training

/// Variants beside the examples of each epoch.
@Suite("Variants while a student learns")
struct VariantDataTests {
    /// One's own: tests run at once, and a pool carries out one phase at a time.
    private static var pool: WorkerPool { WorkerPool(workerCount: 2) }
    private static let pieces = [
        "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c", "d", "e", "f", "g", "h",
    ]

    private struct Setup {
        let tokenizer: WordPieceTokenizer
        let data: EncodedDataset
        let variants: VariantData

        /// Ten rows of eight words, every third without a label; with a last row of one word.
        init(variants count: Int = 2) throws {
            tokenizer = WordPieceTokenizer(
                vocabulary: try Vocabulary(pieces: pieces),
                configuration: TokenizerConfiguration(lowercase: true)
            )
            let words = Array("abcdefgh").map { String($0) }
            let lines = (0..<10).map { row -> String in
                let text = (0..<8).map { words[($0 * 3 + row) % 8] }.joined(separator: " ")
                let label = row % 3 == 0 ? "" : "\(row % 2)"
                return "\(text)\t\(label)"
            }
            let text = (["sentence\tlabel"] + lines + ["h\t1"]).joined(separator: "\n")
            let file = try TaskFile(
                bytes: Array(text.utf8),
                name: "train.tsv",
                options: .init(labels: .partial)
            )
            data = try EncodedDataset(
                file,
                kind: .classification(labels: ["0", "1"]),
                tokenizer: tokenizer,
                maximumLength: 16,
                workers: 1
            )
            let source = SourceTexts(file)
            variants = VariantData(
                data,
                try Augmenter(
                    source,
                    SourceWords(source, tagger: TextWordTagger(nil), pool: pool),
                    tang: TangMethod(mask: 0.3, partOfSpeech: 0, ngram: 0.2),
                    seed: 1
                ),
                variants: count,
                candidates: nil,
                tokenizer: tokenizer,
                maximumLength: 16
            )
        }

        func batches(epoch: Int, seed: UInt64 = 5) throws -> [TrainingBatch] {
            var stream = variants.epoch(epoch, batchSize: 7, seed: seed)
            var found: [TrainingBatch] = []
            while let batch = try stream.next() { found.append(batch) }
            return found
        }
    }

    private func sequence(_ batch: PackedBatch, _ number: Int) -> [Int32] {
        Array(batch.ids[batch.rows(of: number)])
    }

    @Test func `an epoch has every example, and so many variants of each`() throws {
        let setup = try Setup()
        #expect(setup.variants.count == 33)
        let batches = try setup.batches(epoch: 0)
        #expect(batches.map { $0.examples.count } == [7, 7, 7, 7, 5])
        var originals: [Int] = []
        var variants: [Int] = []
        var changed = 0
        for batch in batches {
            let examples = Array(batch.examples)
            #expect(batch.answers == batch.examples)
            let first = examples.count - batch.variantCount
            originals += examples[..<first]
            variants += examples[first...]
            for number in 0..<examples.count {
                let rows =
                    setup.data.offsets[examples[number]]..<setup.data.offsets[examples[number] + 1]
                let isOriginal = sequence(batch.sequences, number) == Array(setup.data.ids[rows])
                #expect(number >= first || isOriginal)
                if !isOriginal { changed += 1 }
            }
        }
        #expect(originals.sorted() == Array(0..<11))
        #expect(variants.sorted() == (0..<22).map { $0 / 2 })
        // Only the row of one word has no variant but itself.
        #expect(changed == 20)
    }

    @Test func `epochs differ, and each is the same again`() throws {
        let setup = try Setup(variants: 1)
        func texts(_ epoch: Int) throws -> [Int: [Int32]] {
            var found: [Int: [Int32]] = [:]
            for batch in try setup.batches(epoch: epoch) {
                let examples = Array(batch.examples)
                for number in examples.count - batch.variantCount..<examples.count {
                    found[examples[number]] = sequence(batch.sequences, number)
                }
            }
            return found
        }
        let first = try texts(0)
        #expect(try texts(0) == first)
        let second = try texts(1)
        #expect((0..<10).count { second[$0] != first[$0] } > 6)
        // The order of the batches is another's; the variants are not.
        var others: [Int: [Int32]] = [:]
        for batch in try setup.batches(epoch: 0, seed: 77) {
            let examples = Array(batch.examples)
            for number in examples.count - batch.variantCount..<examples.count {
                others[examples[number]] = sequence(batch.sequences, number)
            }
        }
        #expect(others == first)
    }

    /// Kept answers and those computed for variants make the loss that computing all of them makes, and
    /// labels count for those alone that have one.
    @Test(arguments: [false, true], [0, 0.4, 1])
    func `the teacher answers variants, and gold labels are the examples' own`(
        labelsVariants: Bool,
        hard: Double
    ) throws {
        let setup = try Setup()
        let teacher = BertModel(
            LayerGolden.sized(hidden: 24, layers: 2, heads: 3),
            seed: 6
        )
        let student = BertModel(LayerGolden.sized(hidden: 12, layers: 1, heads: 3), seed: 5)
        let pool = Self.pool
        let inference = BertInference(teacher, pool: pool)
        let kept = inference.logits(setup.data.batch(0..<setup.data.count))
        let width = kept.count / setup.data.count
        @Sendable func make(_ logits: [Float], _ targets: [Float]) -> SoftTargetLoss {
            SoftTargetLoss(
                teacherLogits: logits,
                classCount: width,
                isRegression: false,
                temperature: 2,
                hardLabelWeight: hard,
                targets: targets
            )
        }
        for batch in try setup.batches(epoch: 3) {
            var prediction = PredictionTerm(
                weight: 0.8,
                source: .kept(kept),
                targets: setup.data.targets
            ) { make($0, $1) }
            prediction.labelsVariants = labelsVariants
            let objective = DistillationObjective(
                teacher: inference,
                terms: [],
                prediction: prediction,
                auxiliary: nil,
                workerCount: 2
            )
            let pass = TrainingPass(student, pool: pool)
            let gradients = Gradients(student.layout)
            let logits = pass.forward(batch.sequences, dropoutSeed: nil, step: 0)
            let found = objective.evaluate(
                pass,
                batch,
                into: gradients,
                share: 1,
                accumulate: false
            )
            let examples = Array(batch.examples)
            let first = examples.count - batch.variantCount
            let targets = examples.enumerated().map { number, example in
                number < first || labelsVariants ? setup.data.targets[example] : .nan
            }
            let expected = make(inference.logits(batch.sequences), targets)
                .evaluate(logits: logits, examples: Array(examples.indices)[...])
            #expect(abs(found.loss - 0.8 * expected.loss) < 1e-5)
            let gradient = try #require(pass.logitGradients).values
            for (own, value) in zip(gradient, expected.gradient.logits) {
                #expect(abs(own - 0.8 * value) < 1e-5)
            }
        }
    }
}
