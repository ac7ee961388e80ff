import ArgumentParser

enum ActivationChoice: String, CaseIterable, ExpressibleByArgument {
    case gelu
    case geluTanh = "gelu-tanh"
    case relu
}

/// A model's sizes.
struct ShapeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Transformer layers.", valueName: "count")
    )
    var layers: Int?

    @Option(
        help: ArgumentHelp(
            "Width of the hidden states, or of a BiLSTM's hidden layer.",
            valueName: "count"
        )
    )
    var hidden: Int?

    @Option(
        help: ArgumentHelp("Attention heads; they divide the width.", valueName: "count")
    )
    var heads: Int?

    @Option(
        help: ArgumentHelp("Width of the feed-forward part.", valueName: "count")
    )
    var intermediate: Int?

    /// The options without a value, as the user spells them.
    var missing: [String] {
        [
            layers == nil ? "--layers" : nil, hidden == nil ? "--hidden" : nil,
            heads == nil ? "--heads" : nil, intermediate == nil ? "--intermediate" : nil,
        ].compactMap(\.self)
    }

    func validate() throws {
        try Limits.check("--layers", layers, 1...1024)
        try Limits.check("--hidden", hidden, 1...65_536)
        try Limits.check("--heads", heads, 1...65_536)
        try Limits.check("--intermediate", intermediate, 1...1_048_576)
        if let hidden, let heads, !hidden.isMultiple(of: heads) {
            throw ValidationError(
                "'--hidden' must be a multiple of '--heads', but \(hidden) is not one of \(heads)"
            )
        }
    }
}
