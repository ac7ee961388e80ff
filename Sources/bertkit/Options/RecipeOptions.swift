import ArgumentParser
import Datasets
import Diagnostics
import Distillation
import Foundation
import Training

/// One value for every stage of a recipe, or one for each, separated by commas.
struct StageValues<Value: LosslessStringConvertible & Sendable>: ExpressibleByArgument {
    var values: [Value]

    init?(argument: String) {
        values = []
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            guard let value = Value(String(part)) else { return nil }
            values.append(value)
        }
    }

    var defaultValueDescription: String { values.map(\.description).joined(separator: ",") }
}

/// What the student is asked to match, and how that is trained.
struct RecipeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How to distil: 'logits', 'distilbert', 'tinybert', 'pkd', 'minilm', 'minilmv2', 'bilstm', or a "
                + "YAML file of stages. What the options below leave out is as the recipe says "
                + "(default: logits, for a BiLSTM bilstm).",
            valueName: "name"
        )
    )
    var recipe: String?

    @Option(
        help: ArgumentHelp(
            "Plain text, one sentence or document per line, for a recipe's stages without labels.",
            valueName: "file"
        ),
        completion: .file()
    )
    var text: String?

    @Option(
        help: ArgumentHelp(
            "Text that decides which weights of a masked language model are kept.",
            valueName: "file"
        ),
        completion: .file()
    )
    var devText: String?

    @Option(
        help: ArgumentHelp(
            "What both models' logits are divided by before they are compared.",
            valueName: "number"
        )
    )
    var temperature: Double?

    @Option(
        help: ArgumentHelp(
            "The share that the given labels have in the prediction's loss; the teacher has the rest.",
            valueName: "share"
        )
    )
    var hardLabelWeight: Double?

    @Option(
        help: ArgumentHelp(
            "Which teacher layers the student's are to match: 'uniform', 'top', 'bottom', 'skip', "
                + "'last', or one for each student layer as in '2,4,6', from 1 and 0 for none.",
            valueName: "map"
        )
    )
    var layerMap: String?

    @Option(
        help: ArgumentHelp(
            "How layers' losses are averaged: over all tokens of a batch ('token-mean'), or over "
                + "sequences of each one's mean ('batch-mean').",
            valueName: "reduction"
        )
    )
    var reduction: String?

    @Option(
        help: ArgumentHelp(
            "How many relation heads queries, keys and values are split into.",
            valueName: "count"
        )
    )
    var relationHeads: Int?

    func validate() throws {
        try Limits.check("--temperature", temperature, 0...1000, above: true)
        try Limits.check("--hard-label-weight", hardLabelWeight, 0...1)
    }

    /// The recipe of a name, or in a file.
    static func find(_ name: String, hasText: Bool) throws(Failure) -> Recipe {
        if let known = Recipe.named(name, text: hasText) { return known }
        if FileManager.default.fileExists(atPath: name) { return try RecipeFile.read(name) }
        let nearest = nearestName(to: name, in: Recipe.names)
        throw Failure(
            .usage,
            "--recipe",
            "'\(printable(name))' is neither a recipe nor a file"
                + (nearest.map { ", did you mean '\($0)'?" } ?? ""),
            remedy: "Recipes: \(Recipe.names.joined(separator: ", "))"
        )
    }

    /// Refuses what a teacher with scores has no use for.
    func check(_ kind: TaskKind) throws(Failure) {
        guard kind.isRegression, temperature != nil else { return }
        throw Failure(
            .usage,
            "--temperature",
            "the teacher answers with scores, which no temperature softens",
            remedy: "Leave it out"
        )
    }

    /// The recipe with what the options say in place of its own.
    ///
    /// - Parameter name: of a recipe or a file.
    func chosen(_ name: String) throws(Failure) -> Recipe {
        var recipe = try Self.find(name, hasText: text != nil)
        try set("--temperature", "temperature", temperature.map { "\($0)" }, in: &recipe)
        try set(
            "--hard-label-weight",
            "hard-label-weight",
            hardLabelWeight.map { "\($0)" },
            in: &recipe
        )
        try set("--layer-map", "map", layerMap, in: &recipe)
        try set("--reduction", "reduction", reduction, in: &recipe)
        try set("--relation-heads", "relation-heads", relationHeads.map { "\($0)" }, in: &recipe)
        if let text, !recipe.stages.contains(where: { $0.data == .text }) {
            throw Failure(
                .usage,
                "--text",
                "no stage of recipe \(recipe.name) reads plain text, but \(printable(text)) is given",
                remedy: "Leave it out, or give a stage 'data: text'"
            )
        }
        if let devText, !recipe.stages.contains(where: \.predictsPieces) {
            throw Failure(
                .usage,
                "--dev-text",
                "no stage of recipe \(recipe.name) predicts word pieces, but \(printable(devText)) "
                    + "is given",
                remedy: "Leave it out, or choose recipe distilbert"
            )
        }
        return recipe
    }

    /// Sets a key of every objective that reads it; at least one has to.
    private func set(
        _ option: String,
        _ key: String,
        _ text: String?,
        in recipe: inout Recipe
    ) throws(Failure) {
        guard let text else { return }
        var isRead = false
        for stage in recipe.stages.indices {
            for number in recipe.stages[stage].objectives.indices {
                do {
                    // The distributions' map is their recipe's: of the last layers alone.
                    let kind = recipe.stages[stage].objectives[number].kind
                    if key == "map", kind == .attentionDistributions { continue }
                    isRead =
                        try recipe.stages[stage].objectives[number].set(key, to: text) || isRead
                } catch {
                    throw Failure(
                        .usage,
                        option,
                        "the value '\(printable(text))' \(error.expectation)"
                    )
                }
            }
        }
        guard !isRead else { return }
        throw Failure(
            .usage,
            option,
            "no objective of recipe \(recipe.name) reads it",
            remedy: "Leave it out, or choose another recipe"
        )
    }
}

/// The optimisation of a recipe's stages, where it is not to be the recipe's.
struct StageOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Passes over the data; of all stages, or one for each.",
            valueName: "count,…"
        )
    )
    var epochs: StageValues<Int>?

    @Option(
        help: ArgumentHelp("Examples per batch; likewise.", valueName: "count,…")
    )
    var batchSize: StageValues<Int>?

    @Option(
        help: ArgumentHelp("The highest learning rate; likewise.", valueName: "rate,…")
    )
    var learningRate: StageValues<Double>?

    @Option(
        help: ArgumentHelp(
            "The share of all steps over which the learning rate rises; likewise.",
            valueName: "share,…"
        )
    )
    var warmup: StageValues<Double>?

    @Option(
        help: ArgumentHelp(
            "AdamW's decoupled weight decay; biases and layer norms have none; likewise.",
            valueName: "rate,…"
        )
    )
    var weightDecay: StageValues<Double>?

    @Option(
        help: ArgumentHelp(
            "The global norm that gradients are scaled down to, 0 for any; likewise.",
            valueName: "norm,…"
        )
    )
    var clipNorm: StageValues<Double>?

    func validate() throws {
        for value in epochs?.values ?? [] {
            try ScheduleLimits.check(epochs: value, batchSize: nil)
        }
        for value in batchSize?.values ?? [] {
            try ScheduleLimits.check(epochs: nil, batchSize: value)
        }
        func each(
            _ values: StageValues<Double>?,
            _ check: (Double) throws -> Void
        ) throws { for value in values?.values ?? [] { try check(value) } }
        try each(learningRate) {
            try ScheduleLimits.check(learningRate: $0, warmup: nil, weightDecay: nil, clipNorm: nil)
        }
        try each(warmup) {
            try ScheduleLimits.check(learningRate: nil, warmup: $0, weightDecay: nil, clipNorm: nil)
        }
        try each(weightDecay) {
            try ScheduleLimits.check(learningRate: nil, warmup: nil, weightDecay: $0, clipNorm: nil)
        }
        try each(clipNorm) {
            try ScheduleLimits.check(learningRate: nil, warmup: nil, weightDecay: nil, clipNorm: $0)
        }
    }

    func apply(to recipe: inout Recipe) throws(Failure) {
        try apply("--epochs", epochs, \.epochs, &recipe)
        try apply("--batch-size", batchSize, \.batchSize, &recipe)
        try apply("--learning-rate", learningRate, \.learningRate, &recipe)
        try apply("--warmup", warmup, \.warmup, &recipe)
        try apply("--weight-decay", weightDecay, \.weightDecay, &recipe)
        try apply("--clip-norm", clipNorm, \.clipNorm, &recipe)
    }

    private func apply<Value>(
        _ option: String,
        _ given: StageValues<Value>?,
        _ path: WritableKeyPath<RecipeStage, Value>,
        _ recipe: inout Recipe
    ) throws(Failure) {
        guard let values = given?.values else { return }
        guard values.count == 1 || values.count == recipe.stages.count else {
            let names = recipe.stages.map(\.name).joined(separator: ", ")
            throw Failure(
                .usage,
                option,
                "\(values.count) values, but the stages of recipe \(recipe.name) are \(names)",
                remedy: "Give one for all, or one for each"
            )
        }
        for index in recipe.stages.indices {
            recipe.stages[index][keyPath: path] = values.count == 1 ? values[0] : values[index]
        }
    }
}
