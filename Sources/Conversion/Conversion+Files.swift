import Bert
import Checkpoints
package import Diagnostics
import Foundation
import Tensors
import Tokenization

extension Conversion {
    /// Every file of the folder but the weights.
    func textFiles(_ command: String?) throws(Failure) -> [(name: String, bytes: [UInt8])] {
        var files: [(name: String, bytes: [UInt8])] = []
        func add(_ name: String, _ value: JSONValue) {
            files.append((name, Array((value.text() + "\n").utf8)))
        }
        let tokenizer = try tokenizerFiles()
        guard let configuration = plan.configuration else {
            return try foreignFiles(["config.json"] + Self.foreignTokenizerFiles + ["vocab.txt"])
                + [("README.md", Array(card(command).utf8))]
        }
        if plan.options.format.isKerasHub {
            let preset = KerasHubPreset(
                configuration: configuration,
                elementType: plan.elementType,
                tokenizer: plan.tokenizer
            )
            for (name, value) in preset.files { add(name, value) }
            if let vocabulary = tokenizer.first(where: { $0.name == "vocab.txt" }) {
                files.append(("assets/tokenizer/vocabulary.txt", vocabulary.bytes))
            }
        } else {
            add("config.json", configuration.json(elementType: plan.elementType))
            files += tokenizer
        }
        files.append(("README.md", Array(card(command).utf8)))
        return files
    }

    /// The tokenizer's files: made from the vocabulary, or, for a tokenizer that is not WordPiece,
    /// copied as they are.
    package func tokenizerFiles() throws(Failure) -> [(name: String, bytes: [UInt8])] {
        if let vocabulary = plan.vocabulary, let tokenizer = plan.tokenizer,
            let configuration = plan.configuration
        {
            return TokenizerFiles.files(
                vocabulary: vocabulary,
                configuration: tokenizer,
                maximumPositions: configuration.longestSequence
            )
        }
        return try foreignFiles(Self.foreignTokenizerFiles)
    }

    /// Files of the source that are copied as they are, where it has them.
    private func foreignFiles(_ names: [String]) throws(Failure) -> [(name: String, bytes: [UInt8])]
    {
        var isFolder: ObjCBool = false
        let source = plan.source.url
        guard FileManager.default.fileExists(atPath: source.path, isDirectory: &isFolder) else {
            return []
        }
        let folder = isFolder.boolValue ? source : source.deletingLastPathComponent()
        var files: [(name: String, bytes: [UInt8])] = []
        for name in names {
            let url = folder.appending(path: name)
            guard FileManager.default.fileExists(atPath: url.path) else { continue }
            files.append((name, try readFile(url)))
        }
        return files
    }

    private static let foreignTokenizerFiles = [
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json",
        "merges.txt", "sentencepiece.bpe.model", "added_tokens.json",
    ]

    private func card(_ command: String?) -> String {
        let name = plan.source.url.standardizedFileURL.lastPathComponent
        var card = ModelCard(
            name: "\(name) as \(plan.options.format.phrase)",
            summary: "Converted by BertKit from \(plan.source.layout)."
        )
        card.library = plan.options.format.isKerasHub ? "keras-hub" : "transformers"
        card.pipeline = plan.configuration?.head.pipeline
        card.tags = plan.configuration.map { [$0.modelType.rawValue] } ?? []
        card.command = command
        card.use = []
        card.details = [
            (
                "tensors",
                "\(plan.rows.count), \(plan.byteCount) bytes as \(plan.elementType.rawValue)"
            )
        ]
        if let configuration = plan.configuration, configuration.head.hasLabels {
            card.details.append(
                (
                    "labels, in the order of the outputs",
                    configuration.labels.joined(separator: ", ")
                )
            )
        }
        card.details += plan.approximations.map { ("computed differently", $0) }
        return card.text()
    }
}

extension Head {
    /// The Hub's identifier of the task; `nil` where it has none.
    package var pipeline: String? {
        switch self {
        case .sequenceClassification: "text-classification"
        case .tokenClassification: "token-classification"
        case .questionAnswering: "question-answering"
        case .maskedLanguageModel, .preTraining: "fill-mask"
        case .none: "feature-extraction"
        case .nextSentence, .multipleChoice, .replacedTokenDetection: nil
        }
    }
}

extension ConversionPlan {
    /// What the weights are stored as; the most exact type where they differ.
    var elementType: ElementType {
        let types = Set(rows.map(\.elementType))
        return [.float32, .float16, .bfloat16].first(where: types.contains) ?? .float32
    }
}
