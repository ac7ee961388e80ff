import Bert
import Foundation
import Tokenization

/// A model of a few thousand weights, all of them from a seed, written as a user's folder would be.
struct SmallModel {
    var labels = ["negative", "positive"]
    var problemType = BertConfiguration.ProblemType.classification
    var seed: UInt64 = 1
    var hidden = 12
    var layers = 2
    var positions = 16
    var tokenTypes = 2

    /// The words it knows.
    static let words = [
        "a", "dull", "fine", "film", "plot", "and", "very", "not", "old", "new", ".", "##s",
    ]

    func write(to folder: URL) throws {
        let vocabulary = try Vocabulary(
            pieces: ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + Self.words
        )
        let tokenizer = TokenizerConfiguration(lowercase: true, modelMaximumLength: positions)
        let configuration = BertConfiguration(
            hiddenSize: hidden,
            hiddenLayerCount: layers,
            attentionHeadCount: 2,
            intermediateSize: 20,
            vocabularySize: vocabulary.count,
            maximumPositionCount: positions,
            tokenTypeCount: tokenTypes,
            layerNormEpsilon: 1e-12,
            activation: .gelu,
            hiddenDropoutProbability: 0.1,
            attentionDropoutProbability: 0.1,
            classifierDropout: nil,
            // Wide enough that answers differ from text to text.
            initializerRange: 0.5,
            padTokenID: 0,
            labels: labels,
            problemType: problemType
        )
        try ModelFolder.write(
            configuration: configuration,
            parameters: BertModel(configuration, seed: seed).parameters,
            tokenizerFiles: TokenizerFiles.files(
                vocabulary: vocabulary,
                configuration: tokenizer,
                maximumPositions: positions
            ).map { ModelFolder.File(name: $0.name, bytes: $0.bytes) },
            records: { _ in [] },
            to: folder,
            force: false
        )
    }

    /// Forty texts as a task file with a header.
    ///
    /// - Parameter labels: which label each row has; nil leaves the column out.
    static func taskFile(labels: [String]?) -> String {
        var text = labels == nil ? "sentence\n" : "sentence\tlabel\n"
        for row in 0..<40 {
            let length = 1 + row % 7
            let sentence = (0..<length).map { words[(row * 5 + $0 * 3) % words.count] }
                .filter { $0 != "##s" }
            text += (["film"] + sentence).joined(separator: " ")
            if let labels { text += "\t\(labels[row % labels.count])" }
            text += "\n"
        }
        return text
    }
}

extension URL {
    /// Writes a file into this folder.
    func write(_ text: String, _ name: String) throws -> String {
        let file = appending(path: name)
        try Data(text.utf8).write(to: file)
        return file.path
    }
}
