import ArgumentParser
import Augmentation
import Diagnostics
import Distillation

/// Variants of the training texts that are made as a student learns.
struct VariantOptions: ParsableArguments {
    /// Methods, or none of them.
    struct Choice: ExpressibleByArgument {
        var methods: VariantMethods

        init?(argument: String) {
            if argument == "none" {
                methods = []
            } else if let list = MethodList(argument: argument) {
                methods = list.methods
            } else {
                return nil
            }
        }

        var defaultValueDescription: String { methods.isEmpty ? "none" : methods.list }

        static let allValueStrings = ["none"] + VariantMethods.names
    }

    @Option(
        help: ArgumentHelp(
            "Make variants of the training texts, others in every epoch, that the teacher answers: 'none', "
                + "or as 'bertkit augment --method' has it (default: as the recipe says).",
            valueName: "method,…"
        )
    )
    var augment: Choice?

    @Option(
        help: ArgumentHelp(
            "Variants of each text in an epoch (default: as the recipe says, 1).",
            valueName: "count"
        )
    )
    var variants: Int?

    @Option(
        help:
            "Whether variants keep their originals' labels for the share that labels have in the loss."
    )
    var variantLabels: Augment.LabelChoice = .none

    @OptionGroup var variation: VariationOptions

    func validate() throws { try Limits.check("--variants", variants, 1...1000) }

    /// Whether anything is said of variants that are made.
    var isGiven: Bool {
        augment.map { !$0.methods.isEmpty } ?? false || variants != nil || variantLabels == .keep
            || variation.problem([]) != nil
    }

    /// Puts what is asked for in the place of the recipe's.
    func apply(to recipe: inout Recipe) throws(Failure) {
        for index in recipe.stages.indices where recipe.stages[index].data == .task {
            if let augment { recipe.stages[index].augment = augment.methods }
            if let variants { recipe.stages[index].variants = variants }
        }
        let stages = recipe.stages.filter(\.readsVariants)
        let methods = stages.reduce(VariantMethods()) { $0.union($1.augment) }
        if let problem = variation.problem(methods) {
            throw Failure(
                .usage,
                problem.option,
                "it is of method \(problem.method), by which recipe \(recipe.name) makes no variants",
                remedy: "Leave it out, or name the method with --augment"
            )
        }
        let idle: [(String, Bool)] = [
            ("--variants", variants != nil), ("--variant-labels", variantLabels == .keep),
        ]
        for (option, isGiven) in idle where isGiven && stages.isEmpty {
            throw Failure(
                .usage,
                option,
                "recipe \(recipe.name) makes no variants",
                remedy: "Leave it out, or say how they are made with --augment"
            )
        }
    }
}
