import Bert
import Distillation
import Tensors
import Testing
import Tokenization
import Training

/// Deliberate mistakes that the comparisons with PyTorch must notice: the same comparison, on a
/// network that is wrong in one way.
@Suite struct NegativeControlTests {
    private func expectNoticed(_ wrong: GoldenCase, _ mistake: String) throws {
        let verdict = try Comparison(wrong).forward()
        #expect(!verdict.passes, "\(mistake) went unnoticed: \(verdict)")
    }

    @Test(arguments: GoldenCase.all) func `the right network passes`(_ name: String) throws {
        #expect(try Comparison(GoldenCase(name)).forward().passes)
    }

    @Test(arguments: [
        "encoder.layer.0.attention.self.query.weight", "encoder.layer.1.attention.self.value.weight",
        "encoder.layer.1.attention.output.dense.weight", "pooler.dense.weight",
    ])
    func `a transposed square weight is noticed`(_ name: String) throws {
        let wrong = try GoldenCase("bert_classifier_gelu").changing(name) { $0 = $0.transposed() }
        try expectNoticed(wrong, "a transposed \(name)")
    }

    @Test func `scores that are not divided by √D are noticed`() throws {
        let golden = try GoldenCase("bert_classifier_gelu")
        let root = Float(golden.configuration.headSize).squareRoot()
        func scale(_ tensor: inout Tensor) { tensor.values = tensor.values.map { $0 * root } }
        var wrong = golden
        for layer in 0..<golden.configuration.hiddenLayerCount {
            wrong = wrong
                .changing("encoder.layer.\(layer).attention.self.query.weight", scale)
                .changing("encoder.layer.\(layer).attention.self.query.bias", scale)
        }
        try expectNoticed(wrong, "a missing 1/√D")
    }

    @Test(arguments: [
        ("bert_classifier_gelu", 1e-5), ("bert_classifier_gelu", 1e-6),
        ("bert_classifier_gelu_new", 1e-12), ("bert_classifier_relu", 1e-12),
        ("bert_classifier_relu", 1e-3),
    ])
    func `another epsilon in the layer normalisation is noticed`(
        _ name: String,
        _ epsilon: Double
    ) throws {
        var wrong = try GoldenCase(name)
        #expect(wrong.configuration.layerNormEpsilon != epsilon)
        wrong.configuration.layerNormEpsilon = epsilon
        try expectNoticed(wrong, "an epsilon of \(epsilon)")
    }

    @Test(arguments: [
        ("bert_classifier_gelu", BertConfiguration.Activation.geluTanh(name: "gelu_new")),
        ("bert_classifier_gelu_new", BertConfiguration.Activation.gelu),
        ("bert_classifier_relu", BertConfiguration.Activation.gelu),
    ])
    func `another activation is noticed`(
        _ name: String,
        _ activation: BertConfiguration.Activation
    ) throws {
        var wrong = try GoldenCase(name)
        wrong.configuration.activation = activation
        try expectNoticed(wrong, "\(activation.name)")
    }

    @Test func `sequence ends that are off by one are noticed`() throws {
        let golden = try GoldenCase("bert_classifier_gelu")
        let batch = golden.batch
        for by in [-1, 1] {
            var wrong = golden
            var offsets = batch.offsets
            for index in 1..<offsets.count - 1 { offsets[index] += by }
            wrong.batch = PackedBatch(ids: batch.ids, tokenTypes: batch.tokenTypes, offsets: offsets)
            try expectNoticed(wrong, "offsets off by \(by)")
        }
    }

    @Test func `positions, token types and pieces that are off by one are noticed`() throws {
        let golden = try GoldenCase("bert_classifier_gelu")
        let (hidden, positions) = (
            golden.configuration.hiddenSize, golden.configuration.maximumPositionCount
        )
        try expectNoticed(
            golden.changing("embeddings.position_embeddings.weight") { table in
                let last = table.values[(positions - 1) * hidden..<positions * hidden]
                table.values = Array(last + table.values[..<((positions - 1) * hidden)])
            },
            "positions that count from one"
        )
        let batch = golden.batch
        var wrong = golden
        // Each token has the type of the one before: the second segment starts one late.
        wrong.batch = PackedBatch(
            ids: batch.ids,
            tokenTypes: [0] + batch.tokenTypes.dropLast(),
            offsets: batch.offsets
        )
        try expectNoticed(wrong, "segments shifted by one token")
        wrong.batch = PackedBatch(
            ids: batch.ids.map { min($0 + 1, 60) },
            tokenTypes: batch.tokenTypes,
            offsets: batch.offsets
        )
        try expectNoticed(wrong, "pieces off by one")
    }

    @Test func `a soft target loss without T² is noticed in the gradients`() throws {
        let golden = try GoldenCase("bert_classifier_gelu")
        let (right, wrong) = (try golden.softTargetLoss(), try golden.softTargetLoss(scaled: false))
        let comparison = Comparison(golden)
        for (loss, isRight) in [(right, true), (wrong, false)] {
            let verdict = try comparison.backward("soft_target", mode: .logits) {
                loss.evaluate(logits: $0, examples: golden.examples).gradient
            }
            #expect(verdict.passes == isRight, "\(verdict)")
        }
    }

    @Test func `the gradients of another objective are noticed`() throws {
        let golden = try GoldenCase("bert_classifier_gelu")
        let loss = try golden.softTargetLoss()
        let verdict = try Comparison(golden).backward("cross_entropy", mode: .logits) {
            loss.evaluate(logits: $0, examples: golden.examples).gradient
        }
        #expect(!verdict.passes)
    }

    @Test func `one weight of thousands that is off is noticed`() throws {
        let wrong = try GoldenCase("bert_classifier_gelu")
            .changing("encoder.layer.0.intermediate.dense.weight") { $0.values[17] += 0.05 }
        try expectNoticed(wrong, "one changed weight")
    }

    @Test func `a comparison of nothing, of another size or with NaN fails`() {
        #expect(!Verdict().passes)
        var sizes = Verdict()
        sizes.compare("sizes", [1], [1, 2], within: 1)
        #expect(!sizes.passes)
        var numbers = Verdict()
        numbers.compare("numbers", [1, .nan, 3], [1, 2, 3], within: 1)
        #expect(!numbers.passes)
        var norms = Verdict()
        norms.compareNorm("norms", [.nan, 3], [2, 3], relative: 1, floor: 1)
        #expect(!norms.passes)
    }
}
