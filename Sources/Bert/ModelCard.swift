import Checkpoints

/// The `README.md` of a model folder: front matter that the Hub accepts, and what was measured.
///
/// The Hub verifies the front matter when a folder is pushed, so a value that is not one of its
/// identifiers is left out rather than written.
public struct ModelCard: Sendable {
    /// A figure for the front matter's `model-index`.
    public struct Metric: Sendable {
        /// The Hub's identifier, such as `accuracy`.
        public let type: String
        public let value: Double

        public init(type: String, value: Double) {
            self.type = type
            self.value = value
        }
    }

    /// The heading.
    public var name: String
    /// One paragraph on what the model is.
    public var summary: String
    /// ISO 639 codes, such as `en`.
    public var languages: [String] = []
    /// One of the Hub's identifiers, such as `apache-2.0`.
    public var license: String?
    /// The Hub's identifiers, such as `nyu-mll/glue`; the first is the one the metrics are for.
    public var datasets: [String] = []
    /// The teacher's identifier on the Hub. A local path is none and is left out.
    public var baseModel: String?
    public var tags: [String] = ["bert", "knowledge-distillation"]
    /// The Hub's identifiers of the library that loads the folder and of the task.
    public var library = "transformers"
    public var pipeline: String? = "text-classification"
    /// How the folder is used, as lines of Markdown.
    public var use = ModelCard.use(of: .bert)

    /// How a written model is used: a classifier or a masked language model.
    public static func use(
        of type: ModelType,
        _ head: Head = .sequenceClassification
    ) -> [String] {
        if head == .maskedLanguageModel {
            return [
                "`tf_model.h5` loads in TensorFlow with `TF\(type.classPrefix)ForMaskedLM` of",
                "transformers 4. `bertkit finetune --model .` trains a classifier from it.",
            ]
        }
        return [
            "`tf_model.h5` loads in TensorFlow with `TF\(head.architecture(of: type))` of",
            "transformers 4, and with `bertkit predict --model .` without any Python.",
        ]
    }
    public var metrics: [Metric] = []
    /// The column titles of the comparison of teacher and student.
    public var comparisonHeader: [String] = []
    public var comparisonRows: [[String]] = []
    /// The command that made the model.
    public var command: String?
    /// Seeds, versions, digests and the like.
    public var details: [(name: String, value: String)] = []

    public init(name: String, summary: String) {
        self.name = name
        self.summary = summary
    }

    /// The Markdown text.
    public func text() -> String {
        var lines = frontMatter()
        lines += ["", "# \(Self.inline(name))", "", Self.inline(summary), ""]
        if !comparisonHeader.isEmpty {
            lines += ["## Comparison", "", Self.row(comparisonHeader)]
            lines += ["|" + comparisonHeader.map { _ in " --- |" }.joined()]
            lines += comparisonRows.map(Self.row)
            lines.append("")
        }
        if let command {
            lines += ["## How it was made", "", "```sh", command, "```", ""]
        }
        if !details.isEmpty {
            lines += ["## Details", ""]
            lines += details.map { "- \(Self.inline($0.name)): \(Self.inline($0.value))" }
            lines.append("")
        }
        if !use.isEmpty { lines += ["## Use", ""] + use + [""] }
        return lines.joined(separator: "\n")
    }

    private func frontMatter() -> [String] {
        func list(_ key: String, _ values: [String]) -> [String] {
            values.isEmpty ? [] : ["\(key):"] + values.map { "- \($0)" }
        }
        let datasets = datasets.filter(Self.isRepository)
        let metrics = metrics.filter { Self.isIdentifier($0.type) && $0.value.isFinite }
        var lines = ["---"]
        lines += list("language", languages.filter(Self.isLanguage))
        if let license, Self.licenses.contains(license) { lines.append("license: \(license)") }
        lines.append("library_name: \(library)")
        if let pipeline { lines.append("pipeline_tag: \(pipeline)") }
        lines += list("tags", tags.filter(Self.isIdentifier))
        lines += list("datasets", datasets)
        lines += list("metrics", metrics.map(\.type))
        if let baseModel, Self.isRepository(baseModel) { lines.append("base_model: \(baseModel)") }
        if let dataset = datasets.first, !metrics.isEmpty {
            lines += [
                "model-index:", "- name: \(Self.quoted(name))", "  results:", "  - task:",
                "      type: text-classification", "    dataset:", "      type: \(dataset)",
                "      name: \(dataset)", "    metrics:",
            ]
            for metric in metrics {
                lines += ["    - type: \(metric.type)", "      value: \(metric.value)"]
            }
        }
        lines.append("---")
        return lines
    }

    /// Identifiers of the Hub's list of licenses that models commonly have.
    public static let licenses: Set<String> = [
        "apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-4.0",
        "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "gpl-3.0", "lgpl-3.0", "agpl-3.0",
        "mpl-2.0", "openrail", "unlicense", "other", "unknown",
    ]

    private static func isIdentifier(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy {
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F
            }
    }

    /// A code of two or three small letters.
    public static func isLanguage(_ text: String) -> Bool {
        (2...3).contains(text.utf8.count) && text.utf8.allSatisfy { (0x61...0x7A).contains($0) }
    }

    /// `name` or `owner/name`, as the Hub spells repositories.
    public static func isRepository(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        return (1...2).contains(parts.count)
            && parts.allSatisfy { part in
                guard let first = part.utf8.first, first != 0x2D, first != 0x2E else {
                    return false
                }
                return part.utf8.allSatisfy {
                    let lower = $0 | 0x20
                    return (0x61...0x7A).contains(lower) || (0x30...0x39).contains($0)
                        || [0x2D, 0x2E, 0x5F].contains($0)
                }
            }
    }

    /// A double-quoted YAML scalar, which is JSON's text.
    private static func quoted(_ text: String) -> String {
        JSONValue.string(text).text()
    }

    /// One line of Markdown.
    private static func inline(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 ? " " : $0 }))
    }

    private static func row(_ cells: [String]) -> String {
        "|" + cells.map { " \(inline($0).replacing("|", with: "\\|")) |" }.joined()
    }
}
