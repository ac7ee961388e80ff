import Bert
import Diagnostics
import Distillation
import Kernels
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

@Suite("Training of every family")
struct FamilyTrainingTests {
    static let families = ["distilbert", "roberta", "electra", HeadGolden.projected]

    /// The gradients of the cross entropy against PyTorch's.
    ///
    /// - Parameter group: where those are; they may be some parameters' only.
    private func verdict(
        _ golden: HeadGolden,
        _ mode: KeptOutputs,
        _ group: String = "sequenceClassification/gradients"
    ) throws -> Verdict {
        let model = golden.model()
        let pass = TrainingPass(model, pool: WorkerPool(workerCount: 2))
        let gradients = Gradients(model.layout)
        let logits = pass.forward(
            golden.batch,
            outputs: mode.selection(model.configuration),
            dropoutSeed: nil,
            step: 0
        )
        let loss = CrossEntropyLoss(targets: [3, 0, 4, 1, 0, 2], classCount: 5)
        let value = loss.evaluate(logits: logits, examples: Array(0..<6)[...])
        pass.backward(value.gradient, into: gradients)
        let expected = try golden.file.tensors(in: group)
        let global = expected.values.reduce(0.0) { sum, tensor in
            tensor.values.reduce(sum) { $0 + Double($1) * Double($1) }
        }
        var verdict = Verdict()
        for (name, slot) in model.layout.entries {
            guard let tensor = expected[name] else { continue }
            verdict.compareNorm(
                "gradient of \(name)",
                gradients.values(name, slot),
                tensor.values.map(Double.init),
                relative: 1e-4,
                floor: 1e-7 * global.squareRoot()
            )
        }
        #expect(verdict.findings.count == expected.count)
        return verdict
    }

    @Test(arguments: families, [KeptOutputs.all, .logits])
    func `gradients are PyTorch's`(_ name: String, _ mode: KeptOutputs) throws {
        let verdict = try verdict(HeadGolden(name, .sequenceClassification), mode)
        #expect(verdict.passes, "\(verdict)")
    }

    @Test func `the slope of another pooler activation is noticed`() throws {
        var wrong = try HeadGolden("electra", .sequenceClassification)
        wrong.configuration.modelType = .bert
        #expect(try !verdict(wrong, .logits).passes)
    }

    @Test(arguments: families) func `inference answers as the training pass does`(
        _ name: String
    ) throws {
        let golden = try HeadGolden(name, .sequenceClassification)
        let pass = TrainingPass(golden.model(), pool: WorkerPool(workerCount: 2))
        let expected = pass.forward(golden.batch, dropoutSeed: nil, step: 0).map(Double.init)
        var verdict = Verdict()
        verdict.compare("logits", golden.inference().logits(golden.batch), expected, within: 1e-5)
        #expect(verdict.passes, "\(verdict)")
    }

    @Test(arguments: families) func `steps of AdamW lower the loss`(_ name: String) throws {
        let golden = try HeadGolden(name, .sequenceClassification)
        let (model, pool) = (golden.model(), WorkerPool(workerCount: 2))
        let optimizer = AdamW(model, constants: .init(weightDecay: 0.01, clipNorm: 1), pool: pool)
        let pass = TrainingPass(model, pool: pool)
        let gradients = Gradients(model.layout)
        let loss = CrossEntropyLoss(targets: [3, 0, 4, 1, 0, 2], classCount: 5)
        var losses: [Double] = []
        for step in 0..<30 {
            optimizer.prepare(golden.batch.ids)
            let logits = pass.forward(golden.batch, dropoutSeed: nil, step: UInt32(step))
            let value = loss.evaluate(logits: logits, examples: Array(0..<6)[...])
            losses.append(value.loss)
            pass.backward(value.gradient, into: gradients)
            let norm = optimizer.gradientNorm(gradients)
            optimizer.step(gradients, norm: norm, learningRate: 0.01)
        }
        #expect(losses[29] < 0.2 * losses[0], "\(losses)")
    }

    @Test func `RoBERTa does not count padding pieces in a text, and they have no gradient`()
        throws
    {
        var golden = try HeadGolden("roberta", .sequenceClassification)
        golden.batch = try HeadGolden.batch("padding/batch", golden.file)
        #expect(golden.batch.ids.contains(1))
        let found = golden.inference().logits(golden.batch)
        for (place, isRight) in [("outputs/logits", true), ("controls/counted_padding", false)] {
            let expected = try golden.file.tensor("padding/\(place)").values.map(Double.init)
            var verdict = Verdict()
            verdict.compare(place, found, expected, within: 1e-4)
            #expect(verdict.passes == isRight, "\(verdict)")
        }
        for mode in [KeptOutputs.all, .logits] {
            let verdict = try verdict(golden, mode, "padding/gradients")
            #expect(verdict.passes, "\(verdict)")
        }
    }

    @Test func `a model of another head is refused where training starts`() throws {
        for (name, head) in HeadGolden.all {
            let configuration = try HeadGolden(name, head).configuration
            let canTrain =
                [.sequenceClassification, .tokenClassification, .maskedLanguageModel].contains(head)
            do {
                try configuration.checkCanTrain("student")
                #expect(canTrain, "\(name) \(head)")
            } catch {
                #expect(!canTrain && error.kind == .usage, "\(name) \(head): \(error)")
            }
        }
        let tagger = try HeadGolden("roberta", .questionAnswering).configuration
        let failure = #expect(throws: Failure.self) { try tagger.checkCanTrain("student") }
        #expect(
            failure?.description
                == "student: this is a roberta model with a question-answering head, and only "
                + "sequence classifiers, token classifiers and masked language models are trained."
        )
    }
}
