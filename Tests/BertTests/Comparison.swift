import Bert
import Kernels
import Tensors
import TestSupport

/// What a model computes for a golden's batch, against what PyTorch computed in double precision.
struct Comparison {
    let golden: GoldenCase
    let model: BertModel
    let pass: TrainingPass

    /// - Parameter model: computes instead of the golden's own model (with a deliberate mistake).
    init(_ golden: GoldenCase, model: BertModel? = nil, workers: Int = 2) {
        self.golden = golden
        self.model = model ?? golden.model()
        pass = TrainingPass(self.model, pool: WorkerPool(workerCount: workers))
    }

    /// Logits, every hidden state and every layer's attention scores.
    func forward() throws -> Verdict {
        var verdict = Verdict()
        let file = golden.file
        let logits = pass.forward(
            golden.batch,
            outputs: .all(model.configuration),
            dropoutSeed: nil,
            step: 0
        )
        verdict.compare("logits", logits, try file.doubles("outputs/f64/logits"), within: 1e-4)
        for index in 0...model.configuration.hiddenLayerCount {
            verdict.compare(
                "hidden state \(index)",
                pass.hiddenState(index).values,
                try file.doubles("outputs/f64/hidden_states.\(index)"),
                within: 5e-4
            )
        }
        for layer in 0..<model.configuration.hiddenLayerCount {
            verdict.compare(
                "attention scores \(layer)",
                pass.attentionScores(layer: layer, of: golden.batch),
                try file.doubles("outputs/f64/attention_scores.\(layer)"),
                within: 5e-4
            )
        }
        return verdict
    }

    /// The gradients of one of the golden's objectives after a forward pass.
    ///
    /// - Parameter outputs: the objective's gradient with respect to what the model puts out.
    func backward(
        _ objective: String,
        mode: KeptOutputs,
        _ outputs: ([Float]) -> OutputGradients
    ) throws -> Verdict {
        let gradients = Gradients(model.layout)
        let logits = pass.forward(
            golden.batch,
            outputs: mode.selection(model.configuration),
            dropoutSeed: nil,
            step: 0
        )
        pass.backward(outputs(logits), into: gradients)
        return try compare(gradients, objective)
    }

    func compare(_ gradients: Gradients, _ objective: String) throws -> Verdict {
        var verdict = Verdict()
        let expected = try golden.file.doubles(in: "gradients/\(objective)/f64")
        let global = expected.values.joined().reduce(0) { $0 + $1 * $1 }.squareRoot()
        for (name, slot) in model.layout.entries {
            let computed = gradients.values(name, slot)
            let expected = expected[name] ?? []
            // The gradient of a key bias is zero but for rounding: a shift of all of a query's
            // scores changes no probability.
            verdict.compareNorm(
                "gradient of \(name)",
                computed,
                expected,
                relative: 1e-4,
                floor: 1e-7 * global
            )
        }
        return verdict
    }
}

extension Gradients {
    /// One parameter's gradient in full.
    func values(_ name: String, _ slot: ParameterSlot) -> [Float] {
        name == "embeddings.word_embeddings.weight" ? wordEmbeddings() : dense.tensor(slot).values
    }

    /// All gradients, parameter after parameter.
    func all(_ layout: ParameterLayout) -> [Float] {
        layout.entries.flatMap { values($0.name, $0.slot) }
    }
}
