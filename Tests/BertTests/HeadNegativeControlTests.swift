import Bert
import Tensors
import TestSupport
import Testing
import Tokenization

/// Deliberate mistakes in what differs between families and heads, which the comparisons with
/// PyTorch must notice.
@Suite("Mistakes in families and heads")
struct HeadNegativeControlTests {
    private func expectNoticed(_ wrong: HeadGolden, _ mistake: String) throws {
        let verdict = try wrong.verdict()
        #expect(!verdict.passes, "\(mistake) went unnoticed: \(verdict)")
    }

    @Test(arguments: ["distilbert", "electra"])
    func `tanh behind the pooler of another family is noticed`(_ name: String) throws {
        for head in [Head.sequenceClassification, .multipleChoice] {
            var wrong = try HeadGolden(name, head)
            // The same network under BERT's rules; types of zeros add nothing.
            wrong.configuration.modelType = .bert
            if wrong.configuration.tokenTypeCount == 0 {
                wrong.configuration.tokenTypeCount = 1
                wrong.parameters.embeddings.tokenTypeEmbeddings = .init(
                    weight: Tensor(repeating: 0, shape: [1, 12])
                )
            }
            try expectNoticed(wrong, "tanh in \(name)")
        }
    }

    @Test func `ReLU behind BERT's pooler is noticed`() throws {
        var wrong = try HeadGolden("bert", .nextSentence)
        wrong.configuration.modelType = .distilbert
        try expectNoticed(wrong, "ReLU in BERT")
    }

    @Test func `positions that start one off are noticed`() throws {
        for head in ModelFamily.roberta.heads {
            var wrong = try HeadGolden("roberta", head)
            wrong.configuration.padTokenID -= 1
            try expectNoticed(wrong, "positions from \(wrong.configuration.firstPosition)")
            wrong.configuration.padTokenID += 1
            let table = wrong.parameters.embeddings.positionEmbeddings.weight
            wrong.parameters.embeddings.positionEmbeddings.weight = Tensor(
                shape: table.shape,
                values: Array(table.values[12...]) + Array(table.values[..<12])
            )
            try expectNoticed(wrong, "positions one late")
        }
    }

    @Test(arguments: ["roberta", "electra"])
    func `the encoder's activation in a head that takes GELU is noticed`(_ name: String) throws {
        var wrong = try HeadGolden(name, .maskedLanguageModel)
        #expect(wrong.configuration.activation != wrong.configuration.predictionActivation)
        // Under BERT's rules, with RoBERTa's positions moved to where BERT looks for them.
        wrong.configuration.modelType = .bert
        if name == "roberta" {
            let table = wrong.parameters.embeddings.positionEmbeddings.weight
            wrong.parameters.embeddings.positionEmbeddings.weight = Tensor(
                shape: [17, 12],
                values: Array(table.values[24...])
            )
            wrong.configuration.maximumPositionCount = 17
        }
        try expectNoticed(wrong, "\(wrong.configuration.activation.name) in \(name)")
    }

    @Test func `the exact GELU in ELECTRA's discriminator is noticed`() throws {
        var wrong = try HeadGolden("electra", .replacedTokenDetection)
        wrong.configuration.activation = .gelu
        try expectNoticed(wrong, "the exact GELU")
    }

    @Test(arguments: ["bert", "distilbert", "roberta", "electra"])
    func `a head without its layer normalisation, and a decoder of its own, are noticed`(
        _ name: String
    ) throws {
        let golden = try HeadGolden(name, .maskedLanguageModel)
        let found = golden.inference().predictionLogits(golden.batch)
        for mistake in ["missing_layer_norm", "untied_decoder"] {
            let wrong = try golden.file.tensor("maskedLanguageModel/controls/\(mistake)")
            var verdict = Verdict()
            verdict.compare(mistake, found, wrong.values.map(Double.init), within: 1e-4)
            #expect(!verdict.passes, "\(mistake) went unnoticed: \(verdict)")
        }
    }

    @Test func `segments that are taken for one are noticed`() throws {
        for (name, head) in HeadGolden.all where name == "bert" || name == "electra" {
            var wrong = try HeadGolden(name, head)
            let weight = wrong.parameters.embeddings.tokenTypeEmbeddings?.weight
            let first = Array(weight?.values.prefix(12) ?? [])
            wrong.parameters.embeddings.tokenTypeEmbeddings?.weight = Tensor(
                shape: [2, 12],
                values: first + first
            )
            try expectNoticed(wrong, "one segment in \(name) \(head)")
        }
    }

    @Test func `an answer's start that is taken for its end is noticed`() throws {
        var wrong = try HeadGolden("bert", .questionAnswering)
        let rows = wrong.parameters.qaOutputs?.weight.values ?? []
        wrong.parameters.qaOutputs?.weight = Tensor(
            shape: [2, 12],
            values: Array(rows.suffix(12) + rows.prefix(12))
        )
        try expectNoticed(wrong, "start for end")
    }

    @Test func `a transposed transform is noticed`() throws {
        for name in ["bert", "distilbert", "roberta", "electra"] {
            var wrong = try HeadGolden(name, .maskedLanguageModel)
            let weight = wrong.parameters.predictions?.transform.dense.weight
            wrong.parameters.predictions?.transform.dense.weight =
                weight?.transposed() ?? Tensor(repeating: 0, shape: [12, 12])
            try expectNoticed(wrong, "a transposed transform in \(name)")
        }
    }
}
