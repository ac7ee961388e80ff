import Bert
import Kernels
import Testing
import Tokenization

@Suite struct ConsistencyTests {
    @Test func `any number of workers gives the same bits`() {
        let batch = RandomModel.batch(40, seed: 1)
        var expected: [[UInt32]] = []
        for workers in [1, 2, 3, 8] {
            let model = RandomModel.model()
            let pass = TrainingPass(model, pool: WorkerPool(workerCount: workers))
            let gradients = Gradients(model.layout)
            var found: [[UInt32]] = []
            for mode in [KeptOutputs.all, .logits] {
                let logits = pass.forward(
                    batch,
                    outputs: mode.selection(model.configuration),
                    dropoutSeed: 9,
                    step: 4
                )
                pass.backward(RandomModel.cotangent(batch), into: gradients)
                found.append(logits.map(\.bitPattern))
                found.append(gradients.all(model.layout).map(\.bitPattern))
            }
            for isPacked in [false, true] {
                let inference = BertInference(
                    model,
                    pool: WorkerPool(workerCount: workers),
                    packing: isPacked
                )
                found.append(inference.logits(batch).map(\.bitPattern))
            }
            if expected.isEmpty { expected = found }
            #expect(found == expected, "\(workers) workers")
        }
        #expect(Set(expected.map(\.count)).count > 1 && expected.allSatisfy { !$0.isEmpty })
    }

    @Test func `first tokens alone give the logits and gradients of all tokens`() {
        let (model, batch) = (RandomModel.model(), RandomModel.batch(30, seed: 2))
        let pass = TrainingPass(model, pool: WorkerPool(workerCount: 2))
        func run(_ mode: KeptOutputs) -> (logits: [Float], gradients: [Float]) {
            let gradients = Gradients(model.layout)
            let logits = pass.forward(
                batch,
                outputs: mode.selection(model.configuration),
                dropoutSeed: nil,
                step: 0
            )
            pass.backward(RandomModel.cotangent(batch), into: gradients)
            return (logits, gradients.all(model.layout))
        }
        let (all, first) = (run(.all), run(.logits))
        var verdict = Verdict()
        verdict.compare("logits", first.logits, all.logits.map(Double.init), within: 5e-6)
        verdict.compareNorm(
            "gradients",
            first.gradients,
            all.gradients.map(Double.init),
            relative: 2e-6,
            floor: 0
        )
        #expect(verdict.passes, "\(verdict)")
    }

    @Test(arguments: GoldenCase.all)
    func `inference answers as the training pass does without dropout`(_ name: String) throws {
        let golden = try GoldenCase(name)
        try expectSameAnswers(golden.model(), golden.batch)
    }

    @Test func `inference answers as the training pass over many shards`() throws {
        try expectSameAnswers(RandomModel.model(), RandomModel.batch(60, seed: 3))
    }

    private func expectSameAnswers(_ model: BertModel, _ batch: PackedBatch) throws {
        let pool = WorkerPool(workerCount: 2)
        let expected = TrainingPass(model, pool: pool)
            .forward(batch, dropoutSeed: nil, step: 0).map(Double.init)
        for isPacked in [false, true] {
            var verdict = Verdict()
            let inference = BertInference(model, pool: pool, packing: isPacked)
            verdict.compare("logits", inference.logits(batch), expected, within: 1e-5)
            #expect(verdict.passes, "packed \(isPacked): \(verdict)")
        }
    }

    @Test func `a sequence's answer does not depend on what it is batched with`() {
        let model = RandomModel.model()
        let encodings = RandomModel.encodings(12, seed: 4, lengths: [1, 2, 80])
        let inference = BertInference(model, pool: WorkerPool(workerCount: 2))
        let together = inference.logits(PackedBatch(encodings))
        let alone = encodings.flatMap { inference.logits(PackedBatch([$0])) }
        var verdict = Verdict()
        verdict.compare("logits", together, alone.map(Double.init), within: 1e-5)
        #expect(verdict.passes, "\(verdict)")
    }

    @Test func `an empty batch has no logits and zero gradients`() {
        let model = RandomModel.model()
        let pool = WorkerPool(workerCount: 2)
        let batch = PackedBatch([])
        #expect(BertInference(model, pool: pool).logits(batch).isEmpty)
        let pass = TrainingPass(model, pool: pool)
        let gradients = Gradients(model.layout)
        #expect(pass.forward(batch, dropoutSeed: 1, step: 0).isEmpty)
        pass.backward(OutputGradients(logits: []), into: gradients)
        #expect(gradients.all(model.layout).allSatisfy { $0 == 0 })
    }

    @Test func `accumulated gradients are those of one batch, and a later batch replaces them`() {
        let model = RandomModel.model()
        let pass = TrainingPass(model, pool: WorkerPool(workerCount: 2))
        let encodings = RandomModel.encodings(24, seed: 5)
        let whole = PackedBatch(encodings)
        let cotangent = RandomModel.cotangent(whole).logits
        let classes = RandomModel.configuration.labels.count
        func backward(_ rows: Range<Int>, _ gradients: Gradients, accumulate: Bool) {
            let batch = PackedBatch(Array(encodings[rows]))
            _ = pass.forward(batch, dropoutSeed: nil, step: 0)
            pass.backward(
                OutputGradients(
                    logits: Array(cotangent[rows.lowerBound * classes..<rows.upperBound * classes])
                ),
                into: gradients,
                accumulate: accumulate
            )
        }
        let expected = Gradients(model.layout)
        backward(0..<24, expected, accumulate: false)
        let parts = Gradients(model.layout)
        // What is there before the first part must not count.
        backward(3..<20, parts, accumulate: false)
        backward(0..<5, parts, accumulate: false)
        backward(5..<6, parts, accumulate: true)
        backward(6..<24, parts, accumulate: true)
        var verdict = Verdict()
        for (name, slot) in model.layout.entries {
            verdict.compareNorm(
                name,
                parts.values(name, slot),
                expected.values(name, slot).map(Double.init),
                relative: 5e-6,
                floor: 1e-5
            )
        }
        #expect(verdict.passes, "\(verdict)")
        backward(0..<24, parts, accumulate: false)
        #expect(
            parts.all(model.layout).map(\.bitPattern)
                == expected.all(model.layout).map(\.bitPattern)
        )
    }
}
