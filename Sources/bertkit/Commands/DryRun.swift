import Bert
import Diagnostics
import Distillation
import Evaluation
import Foundation
import Training

/// A stage that would be trained.
struct PlannedStage {
    let label: String
    let examples: Int
    let configuration: TrainingConfiguration

    init(_ label: String, examples: Int, _ configuration: TrainingConfiguration) {
        (self.label, self.examples, self.configuration) = (label, examples, configuration)
    }

    var line: String {
        let group = configuration.batchSize * configuration.gradientAccumulation
        let steps = (examples + group - 1) / group * configuration.epochs
        return "\(label): \(Numbers.count(configuration.epochs)) epochs of "
            + "\(Numbers.count(examples)) examples, \(Numbers.count(steps)) steps"
    }
}

/// What is known beforehand of a model that would be trained.
struct DryModel {
    /// Its kind and sizes, in a few words.
    let phrase: String
    let weightsFile: String
}

extension DryModel {
    init(_ model: any StudentModel) {
        let count = Numbers.count(model.parameterCount.total)
        self.init(
            phrase: "\(model.kindName) of \(count) parameters",
            weightsFile: model is BertModel ? "tf_model.h5" : "model.weights.h5"
        )
    }

    /// - Parameter planned: of a model that is only made from the training data.
    init(_ model: (any StudentModel)?, _ planned: BertConfiguration?) {
        if let model {
            self.init(model)
            return
        }
        let phrase = planned.map {
            "BERT of \($0.hiddenLayerCount) layers of \($0.hiddenSize), "
                + "\($0.headCountPhrase) heads, \($0.intermediateSize) neurons"
        }
        self.init(phrase: phrase ?? "BERT", weightsFile: "tf_model.h5")
    }
}

extension TrainingRun {
    /// Says what would be trained and written, and does nothing.
    ///
    /// - Parameter isMeasured: whether there is anything to measure the model on.
    func sayPlan(
        of model: DryModel,
        _ stages: [PlannedStage],
        hasRecipe: Bool,
        isMeasured: Bool = true
    ) throws {
        let always = [
            "README.md", "all_results.json", "config.json", "events.out.tfevents.*", "metrics.csv",
            "metrics.jsonl", "provenance.json", "run.yaml", "special_tokens_map.json",
            "tokenizer.json", "tokenizer_config.json", "vocab.txt", model.weightsFile,
        ]
        let files =
            always + (isMeasured ? ["eval_results.json"] : [])
            + (hasRecipe ? ["recipe.yaml"] : [])
        var text =
            "Dry run: nothing is trained, and nothing written.\nmodel: \(model.phrase)\n"
            + stages.map { $0.line + "\n" }.joined()
        text += "\(printable(output.output))/ would have:\n"
        text += files.sorted().map { "  \($0)\n" }.joined()
        try StandardOutput.write(text)
    }
}

extension Distill {
    /// A recipe's stages as they would be trained.
    ///
    /// - Parameter lines: of plain text, of which a stage may leave some out.
    func plan(_ recipe: Recipe, examples: Int, lines: Int) -> [PlannedStage] {
        recipe.stages.map { stage in
            let count = examples * (stage.readsVariants ? 1 + stage.variants : 1)
            return PlannedStage(
                recipe.stages.count > 1 ? "distilling, \(stage.name)" : "distilling",
                examples: stage.data == .text ? lines : count,
                stage.training(
                    gradientAccumulation: training.gradientAccumulation,
                    precision: training.precision,
                    seed: training.seed,
                    evaluateEvery: nil,
                    patience: nil
                )
            )
        }
    }
}
