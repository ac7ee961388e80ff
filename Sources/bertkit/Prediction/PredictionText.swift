import Diagnostics
import Glibc

/// A model's answers as lines of text: its label and each class's probability, or its score.
package struct PredictionText: Sendable {
    package enum Form: Sendable { case tabSeparated, jsonLines }

    private let form: Form
    /// Empty for a score.
    private let labels: [String]
    /// `{"label":"negative","probabilities":` for each class.
    private let openings: [String]
    /// `"negative":` for each class.
    private let keys: [String]

    /// - Parameter labels: The classes in the order of the model's outputs; empty for regression.
    package init(_ form: Form, labels: [String]) {
        self.form = form
        self.labels = labels.map(printable)
        keys = labels.map { Self.quoted($0) + ":" }
        openings = labels.map { "{\"label\":\(Self.quoted($0)),\"probabilities\":{" }
    }

    /// The line before all others: the columns' names, where the form has such a line.
    package var heading: String {
        guard form == .tabSeparated else { return "" }
        let columns = labels.isEmpty ? ["score"] : ["label"] + labels
        return columns.joined(separator: "\t") + "\n"
    }

    /// Adds one line.
    ///
    /// - Parameter logits: One number per class, or the score alone.
    package func append(_ logits: ArraySlice<Float>, to text: inout String) {
        precondition(logits.count == max(1, labels.count), "a logit for each class")
        if labels.isEmpty {
            let score = logits[logits.startIndex]
            switch form {
            case .tabSeparated: text += "\(score)\n"
            case .jsonLines: text += "{\"score\":\(score.isFinite ? "\(score)" : "null")}\n"
            }
            return
        }
        let logits = Array(logits)
        let best = logits.indices.reduce(0) { logits[$1] > logits[$0] ? $1 : $0 }
        let weights = logits.map { exp(Double($0) - Double(logits[best])) }
        let sum = weights.reduce(0, +)
        switch form {
        case .tabSeparated:
            text += labels[best]
            for weight in weights {
                text += "\t"
                text += Self.share(weight / sum) ?? "nan"
            }
            text += "\n"
        case .jsonLines:
            text += openings[best]
            for (index, weight) in weights.enumerated() {
                if index > 0 { text += "," }
                text += keys[index]
                text += Self.share(weight / sum) ?? "null"
            }
            text += "}}\n"
        }
    }

    /// A number from 0 to 1 with six decimals.
    private static func share(_ value: Double) -> String? {
        guard value.isFinite else { return nil }
        let millionths = String(Int((min(max(value, 0), 1) * 1e6).rounded()))
        if millionths.utf8.count > 6 { return "1.000000" }
        return "0." + String(repeating: "0", count: 6 - millionths.utf8.count) + millionths
    }

    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
