import Bert
import Checkpoints
import Evaluation
import Training

/// What a finished run came to, under the names of Hugging Face's trainer, which people's scripts
/// read: `eval_results.json`, and `all_results.json` with the training's beside them.
struct RunSummary {
    private var training: [String: JSONValue]
    private var evaluation: [String: JSONValue] = [:]

    init(_ log: RunLog) {
        let totals = log.totals
        training = [
            "epoch": .number(Double(totals.epochs)),
            "train_loss": .number(totals.loss / Double(max(1, totals.steps))),
            "train_runtime": .number(totals.seconds),
        ]
        if let expected = totals.expectedBytes { training["memory_expected"] = .integer(expected) }
        if let peak = Machine.peakMemory { training["memory_peak"] = .integer(peak) }
        if totals.seconds > 0 {
            training["train_samples_per_second"] =
                .number(Double(totals.examples) / totals.seconds)
            training["train_steps_per_second"] = .number(Double(totals.steps) / totals.seconds)
        }
    }

    /// A classifier's or regressor's scores on the development data. Its loss is the cross-entropy in
    /// nats, or the mean squared error.
    mutating func add(_ scores: ComparisonReport.Model, of measured: ModelMeasurement) {
        let values: [(String, Double?)] = [
            ("accuracy", scores.accuracy), ("f1", scores.entityF1 ?? scores.f1Binary),
            ("f1_macro", scores.f1Macro), ("precision", scores.entityPrecision),
            ("recall", scores.entityRecall), ("matthews_correlation", scores.matthews),
            ("pearson", scores.pearson), ("spearmanr", scores.spearman),
            ("mse", scores.meanSquaredError),
            ("loss", scores.crossEntropy ?? scores.meanSquaredError),
            ("runtime", measured.seconds), ("samples_per_second", scores.examplesPerSecond),
        ]
        for (name, value) in values {
            if let value, value.isFinite { evaluation["eval_\(name)"] = .number(value) }
        }
        evaluation["eval_samples"] = .integer(measured.exampleCount)
    }

    /// A masked language model's on held-out text.
    mutating func add(_ found: MaskedEvaluation.Result, sequences: Int) {
        evaluation = [
            "eval_accuracy": .number(found.accuracy), "eval_loss": .number(found.loss),
            "eval_samples": .integer(sequences), "perplexity": .number(found.perplexity),
        ]
    }

    var files: [ModelFolder.File] {
        func file(_ name: String, _ fields: [String: JSONValue]) -> ModelFolder.File {
            ModelFolder.File(
                name: name,
                bytes: Array((JSONValue.object(fields).text() + "\n").utf8)
            )
        }
        var files = [file("all_results.json", training.merging(evaluation) { $1 })]
        if !evaluation.isEmpty, let epoch = training["epoch"] {
            files.append(file("eval_results.json", evaluation.merging(["epoch": epoch]) { $1 }))
        }
        return files
    }
}
