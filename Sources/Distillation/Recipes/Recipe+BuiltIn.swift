import Augmentation
import Training

/// The recipes of the field, with their published settings. Where the published code differs from
/// its paper, `docs/distillation.md` says which is followed.
extension Recipe {
    /// Their names, in the order of the help.
    public static let names = [
        "logits", "distilbert", "tinybert", "pkd", "minilm", "minilmv2", "bilstm",
    ]

    /// A recipe by its name.
    ///
    /// - Parameter text: whether plain text is at hand, which general stages read.
    public static func named(_ name: String, text: Bool) -> Recipe? {
        switch name {
        case "logits": logits(text: text)
        case "distilbert": distilBERT
        case "tinybert": tinyBERT(text: text)
        case "pkd": patient
        case "minilm": miniLM(text: text)
        case "minilmv2": miniLMv2(text: text)
        case "bilstm": biLSTM(text: text)
        default: nil
        }
    }

    private static func prediction(temperature: Double, hardLabels: Double = 0) -> RecipeObjective {
        RecipeObjective(.prediction).with {
            $0.temperature = temperature
            $0.hardLabelWeight = hardLabels
        }
    }

    /// Hinton et al. 2015: the teacher's softened answers; on plain text first where there is some.
    private static func logits(text: Bool) -> Recipe {
        let task = RecipeStage(name: "prediction", objectives: [prediction(temperature: 2)])
        var general = task
        general.name = "prediction-on-text"
        general.data = .text
        general.epochs = 1
        return Recipe(name: "logits", stages: text ? [general, task] : [task])
    }

    /// Sanh et al. 2019: the teacher's distributions over the vocabulary, the masked pieces and the
    /// cosine of the last hidden states on plain text; then the prediction on the task. The weights and
    /// settings are those of the published command, which texts are read its code's.
    private static var distilBERT: Recipe {
        var general = RecipeStage(
            name: "general",
            objectives: [
                RecipeObjective(.pieceDistributions, weight: 5).with { $0.temperature = 2 },
                RecipeObjective(.maskedPieces, weight: 2), RecipeObjective(.cosine),
            ]
        )
        general.data = .text
        general.batchSize = 250
        general.learningRate = 5e-4
        general.warmup = 0.05
        general.weightDecay = 0
        general.clipNorm = 5
        general.beta2 = 0.98
        general.epsilon = 1e-6
        general.maskSmoothing = 0.7
        general.texts = TextSelection(minimumTokens: 12, unknownShare: 0.5, longTexts: .split)
        return Recipe(
            name: "distilbert",
            stages: [
                general,
                RecipeStage(name: "prediction", objectives: [prediction(temperature: 2)]),
            ]
        )
    }

    /// Jiao et al. 2020: embeddings, hidden states and attention scores, first on plain text where
    /// there is some, then the prediction; never in one stage. The task stages are section 4.1's, on the
    /// examples and on variants of them.
    private static func tinyBERT(text: Bool) -> Recipe {
        let layers = [
            RecipeObjective(.embeddings), RecipeObjective(.hiddenStates),
            RecipeObjective(.attentionScores),
        ]
        var general = RecipeStage(name: "general", objectives: layers)
        general.data = .text
        general.batchSize = 256
        var intermediate = RecipeStage(name: "intermediate", objectives: layers)
        intermediate.epochs = 20
        intermediate.warmup = 0
        intermediate.schedule = .constant
        var last = RecipeStage(name: "prediction", objectives: [prediction(temperature: 1)])
        last.learningRate = 3e-5
        (intermediate.augment, last.augment) = (.candidates, .candidates)
        return Recipe(
            name: "tinybert",
            stages: (text ? [general] : []) + [intermediate, last]
        )
    }

    /// Sun et al. 2019, PKD-Skip: gold labels, softened answers, and first tokens of every layer but
    /// the last. The settings are one cell of the published grid.
    private static var patient: Recipe {
        var stage = RecipeStage(
            name: "patient",
            objectives: [
                prediction(temperature: 10, hardLabels: 0.3),
                RecipeObjective(.patience, weight: 100),
            ]
        )
        stage.epochs = 4
        return Recipe(name: "pkd", stages: [stage])
    }

    /// Wang et al. 2020: attention distributions and value relations of the last layers; then the
    /// prediction on the task.
    private static func miniLM(text: Bool) -> Recipe {
        var relations = RecipeStage(
            name: "relations",
            objectives: [
                RecipeObjective(.attentionDistributions),
                RecipeObjective(.valueRelations).with { $0.relationHeads = nil },
            ]
        )
        relations.data = text ? .text : .task
        relations.learningRate = 5e-4
        relations.batchSize = 256
        relations.weightDecay = 0.01
        return Recipe(
            name: "minilm",
            stages: [
                relations,
                RecipeStage(name: "prediction", objectives: [prediction(temperature: 2)]),
            ]
        )
    }

    /// Wang et al. 2021: relations among queries, among keys and among values of one teacher layer;
    /// then the prediction on the task.
    private static func miniLMv2(text: Bool) -> Recipe {
        var relations = RecipeStage(
            name: "relations",
            objectives: [
                RecipeObjective(.queryRelations), RecipeObjective(.keyRelations),
                RecipeObjective(.valueRelations),
            ]
        )
        relations.data = text ? .text : .task
        relations.learningRate = 6e-4
        relations.batchSize = 256
        return Recipe(
            name: "minilmv2",
            stages: [
                relations,
                RecipeStage(name: "prediction", objectives: [prediction(temperature: 2)]),
            ]
        )
    }

    /// Tang et al. 2019: the teacher's logits by their squared differences, on the examples and on variants
    /// of them; on plain text first where there is some. The batch is the published one; the
    /// optimiser is AdamW in the place of AdaDelta.
    private static func biLSTM(text: Bool) -> Recipe {
        var task = RecipeStage(
            name: "prediction",
            objectives: [RecipeObjective(.prediction).with { $0.form = .logitSquares }]
        )
        task.epochs = 10
        task.batchSize = 50
        task.learningRate = 2e-3
        var general = task
        task.augment = .tang
        general.name = "prediction-on-text"
        general.data = .text
        general.epochs = 1
        return Recipe(name: "bilstm", stages: text ? [general, task] : [task])
    }
}
