import Augmentation
import Training

/// Recipes as text: what is printed, stored beside a student, and read back.
extension Recipe {
    /// YAML that any reader takes for this recipe.
    public var yaml: String {
        var text = "# bertkit distill --recipe THIS_FILE distils this way again.\n"
        text += "name: \"\(name)\"\nstages:\n"
        for stage in stages {
            var mark = "  - "
            for (key, value) in stage.entries {
                text += "\(mark)\(key): \(value)\n"
                mark = "    "
            }
            text += "    objectives:\n"
            for objective in stage.objectives {
                var mark = "      - "
                for (key, value) in objective.entries {
                    text += "\(mark)\(key): \(value)\n"
                    mark = "        "
                }
            }
        }
        return text
    }
}

/// A value that a key cannot have; the text continues "KEY …".
public struct RecipeValueError: Error, Hashable {
    public let expectation: String

    public init(expectation: String) {
        self.expectation = expectation
    }
}

extension RecipeStage {
    /// Every setting but the objectives, in order.
    public var entries: [(key: String, value: String)] {
        [
            ("name", "\"\(name)\""), ("data", data.rawValue), ("epochs", "\(epochs)"),
            ("batch-size", "\(batchSize)"), ("learning-rate", "\(learningRate)"),
            ("warmup", "\(warmup)"), ("schedule", schedule.rawValue),
            ("weight-decay", "\(weightDecay)"), ("clip-norm", "\(clipNorm)"),
            ("beta2", "\(beta2)"), ("epsilon", "\(epsilon)"),
        ]
            + (predictsPieces
                ? [("masked-share", "\(maskedShare)"), ("mask-smoothing", "\(maskSmoothing)")] : [])
            + (data == .text
                ? [
                    ("minimum-tokens", "\(texts.minimumTokens)"),
                    ("unknown-share", "\(texts.unknownShare)"),
                    ("long-texts", texts.longTexts.rawValue),
                ] : [])
            + (data == .task ? [("augment", augment.isEmpty ? "none" : augment.list)] : [])
            + (readsVariants ? [("variants", "\(variants)")] : [])
    }

    /// Sets what a key names.
    ///
    /// - Throws: `RecipeValueError` for a value that the key cannot have.
    /// - Returns: false for a key that a stage does not have.
    public mutating func set(_ key: String, to text: String) throws(RecipeValueError) -> Bool {
        switch key {
        case "name":
            let isPlain = text.utf8.allSatisfy {
                $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C
            }
            guard !text.isEmpty, isPlain else {
                throw RecipeValueError(expectation: "must be one word")
            }
            name = text
        case "data": data = try choice(text)
        case "epochs": epochs = try whole(text, 1...100_000)
        case "batch-size": batchSize = try whole(text, 1...65_536)
        case "learning-rate": learningRate = try number(text, 0...1, above: true)
        case "warmup": warmup = try number(text, 0...1)
        case "schedule": schedule = try choice(text)
        case "weight-decay": weightDecay = try number(text, 0...1)
        case "clip-norm": clipNorm = try number(text, 0...1e6)
        case "beta2": beta2 = try number(text, 0...0.999_999)
        case "epsilon": epsilon = try number(text, 0...1, above: true)
        case "masked-share": maskedShare = try number(text, 0...1, above: true)
        case "mask-smoothing": maskSmoothing = try number(text, 0...10)
        case "minimum-tokens": texts.minimumTokens = try whole(text, 0...65_536)
        case "unknown-share": texts.unknownShare = try number(text, 0...1, above: true)
        case "long-texts": texts.longTexts = try choice(text)
        case "augment":
            guard text != "none" else {
                augment = []
                break
            }
            let names = text.split(separator: ",", omittingEmptySubsequences: false)
            guard let methods = VariantMethods(names: names.map(String.init)) else {
                throw RecipeValueError(
                    expectation:
                        "must be none, or some of \(VariantMethods.names.joined(separator: ", "))"
                )
            }
            augment = methods
        case "variants": variants = try whole(text, 1...1000)
        default: return false
        }
        return true
    }
}

extension RecipeObjective {
    /// Every setting that the kind reads, in order.
    public var entries: [(key: String, value: String)] {
        var entries = [("kind", kind.rawValue), ("weight", "\(weight)")]
        func add(_ key: String, _ value: String?) { if let value { entries.append((key, value)) } }
        add("form", form?.rawValue)
        add("temperature", temperature.map { "\($0)" })
        add("temperature-squared", scalesByTemperatureSquared.map { "\($0)" })
        add("hard-label-weight", hardLabelWeight.map { "\($0)" })
        add("map", map.map { $0.description.contains(",") ? "\"\($0)\"" : $0.description })
        add("projection", projection?.rawValue)
        add("heads", heads?.rawValue)
        add("normalized", normalizes.map { "\($0)" })
        add("relation-heads", relationHeads.map { $0 == 0 ? "most" : "\($0)" })
        add("teacher-layer", teacherLayer.map { $0 == 0 ? "last" : "\($0)" })
        add("reduction", reduction?.rawValue)
        add("tokens", tokens?.rawValue)
        return entries
    }

    /// Sets what a key names, of those that the kind reads.
    ///
    /// - Throws: `RecipeValueError` for a value that the key cannot have.
    /// - Returns: false for a key that the kind does not read.
    public mutating func set(_ key: String, to text: String) throws(RecipeValueError) -> Bool {
        guard entries.contains(where: { $0.key == key }), key != "kind" else { return false }
        switch key {
        case "weight": weight = try number(text, 0...1e9)
        case "form": form = try choice(text)
        case "temperature": temperature = try number(text, 0...1000, above: true)
        case "temperature-squared": scalesByTemperatureSquared = try truth(text)
        case "hard-label-weight": hardLabelWeight = try number(text, 0...1)
        case "map":
            guard let value = LayerMap(text) else {
                throw RecipeValueError(
                    expectation:
                        "must be uniform, top, bottom, skip, last, or one teacher layer for "
                        + "each student layer as in 2,4,6"
                )
            }
            map = value
        case "projection": projection = try choice(text)
        case "heads": heads = try choice(text)
        case "normalized": normalizes = try truth(text)
        case "relation-heads": relationHeads = text == "most" ? 0 : try whole(text, 1...65_536)
        case "teacher-layer": teacherLayer = text == "last" ? 0 : try whole(text, 1...1024)
        case "tokens": tokens = try choice(text)
        default: reduction = try choice(text)
        }
        return true
    }
}

private func whole(_ text: String, _ range: ClosedRange<Int>) throws(RecipeValueError) -> Int {
    guard let value = Int(text), range.contains(value) else {
        throw RecipeValueError(
            expectation: "must be a whole number from \(range.lowerBound) to \(range.upperBound)"
        )
    }
    return value
}

private func number(
    _ text: String,
    _ range: ClosedRange<Double>,
    above: Bool = false
) throws(RecipeValueError) -> Double {
    guard let value = Double(text), range.contains(value), !(above && value == range.lowerBound)
    else {
        throw RecipeValueError(
            expectation: "must be a number \(above ? "above" : "from") \(range.lowerBound) "
                + "\(above ? "and up to" : "to") \(range.upperBound)"
        )
    }
    return value
}

private func truth(_ text: String) throws(RecipeValueError) -> Bool {
    guard let value = Bool(text) else {
        throw RecipeValueError(expectation: "must be true or false")
    }
    return value
}

private func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ text: String
) throws(RecipeValueError) -> Choice {
    guard let value = Choice(rawValue: text) else {
        let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        throw RecipeValueError(expectation: "must be one of \(names)")
    }
    return value
}
