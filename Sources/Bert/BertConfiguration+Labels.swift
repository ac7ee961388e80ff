import Checkpoints
package import Diagnostics

extension BertConfigurationFile {
    /// The labels in the order of the head's outputs, and what the outputs mean.
    ///
    /// Hugging Face leaves `id2label` out when there are two labels with their default names.
    package static func labels(
        _ fields: inout Fields,
        _ head: Head
    ) throws(Failure) -> ([String], BertConfiguration.ProblemType) {
        let named = try byIdentifier(&fields)
        let listed = try byLabel(&fields)
        let count = try fields.optionalSize("num_labels", 1...1_000_000)
        if let named, let listed, named != listed {
            throw fields.problem("\"id2label\" and \"label2id\" contradict each other")
        }
        let labels: [String]
        if let known = named ?? listed {
            if let count, count != known.count {
                throw fields.problem(
                    "\"num_labels\" is \(count), and there are \(known.count) labels"
                )
            }
            labels = known
        } else {
            labels = (0..<(count ?? 2)).map { "LABEL_\($0)" }
        }
        let problem = try fields.text("problem_type")
        if head == .questionAnswering, labels.count != 2 {
            throw fields.problem(
                "there are \(labels.count) labels, and the outputs of a question-answering head are "
                    + "two: where the answer starts and where it ends"
            )
        }
        guard head == .sequenceClassification else { return (labels, .classification) }
        switch problem {
        case "single_label_classification": return (labels, .classification)
        case nil: return (labels, labels.count == 1 ? .regression : .classification)
        case "regression":
            guard labels.count == 1 else {
                throw fields.problem(
                    "\"problem_type\" is \"regression\", and there are \(labels.count) labels"
                )
            }
            return (labels, .regression)
        case let other?:
            throw fields.problem(
                "\"problem_type\" is \"\(printable(other))\"; BertKit knows "
                    + "single_label_classification and regression"
            )
        }
    }

    /// `{"0": "negative", "1": "positive"}`
    private static func byIdentifier(_ fields: inout Fields) throws(Failure) -> [String]? {
        guard let members = try fields.object("id2label") else { return nil }
        var labels = [String?](repeating: nil, count: members.count)
        for (key, value) in members {
            guard let identifier = Int(key), String(identifier) == key,
                labels.indices.contains(identifier)
            else {
                throw fields.problem(
                    "\"id2label\" has the key \"\(printable(key))\"; its \(members.count) keys "
                        + "must be \"0\" to \"\(members.count - 1)\""
                )
            }
            guard case .string(let label) = value else {
                throw fields.problem("\"id2label\" gives \(identifier) a label that is not text")
            }
            labels[identifier] = label
        }
        let known = labels.compactMap { $0 }
        guard Set(known).count == known.count else {
            throw fields.problem("\"id2label\" has the same label twice")
        }
        return known
    }

    /// `{"negative": 0, "positive": 1}`
    private static func byLabel(_ fields: inout Fields) throws(Failure) -> [String]? {
        guard let members = try fields.object("label2id") else { return nil }
        var labels = [String?](repeating: nil, count: members.count)
        for (label, value) in members {
            guard case .integer(let identifier) = value, labels.indices.contains(identifier),
                labels[identifier] == nil
            else {
                throw fields.problem(
                    "\"label2id\" does not number its \(members.count) labels from 0: "
                        + "\"\(printable(label))\" is \(value.phrase)"
                )
            }
            labels[identifier] = label
        }
        return labels.compactMap { $0 }
    }
}
