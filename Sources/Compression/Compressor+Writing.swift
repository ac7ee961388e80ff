public import Bert
import Checkpoints
import Conversion
public import Diagnostics
public import Foundation
import Tensors
import Tokenization

extension Compressor {
    /// Writes the folder, complete or not at all: weights, which are read back, `config.json`, the
    /// tokenizer's files, the map of a cut vocabulary, and a card.
    ///
    /// Equal input gives equal bytes.
    ///
    /// - Parameters:
    ///   - complete: puts onto the model card what only the caller knows.
    ///   - additionalFiles: whatever else belongs into the folder.
    /// - Returns: the files with their bytes, by name.
    /// - Throws: `Failure`, `belowGate` for a model that its gate does not let through.
    public func write(
        _ result: Result,
        to url: URL,
        complete: (inout ModelCard) -> Void = { _ in },
        additionalFiles: [ModelFolder.File] = []
    ) throws(Failure) -> [(name: String, byteCount: Int)] {
        try result.checkGate(url)
        try Conversion(plan).refuseSource(url)
        var files: [(name: String, byteCount: Int)] = []
        try AtomicOutput.folder(url, force: options.force) { (folder) throws(Failure) in
            try writeWeights(result.model, into: folder)
            for file in try textFiles(result, complete) + additionalFiles {
                try ModelFolder.write(file, into: folder)
            }
            files = try Conversion.listing(folder)
        }
        return files
    }

    private func writeWeights(_ model: CompressedModel, into folder: URL) throws(Failure) {
        let stored = model.stored(as: options.format)
        let targets = stored.items.map(\.target)
        switch options.format {
        case .safetensors:
            let path = folder.appending(path: "model.safetensors").path
            let sink = try SafetensorsWriter(creating: path, tensors: targets)
            let result = try TensorCopy.run(stored.items, to: sink)
            try sink.finish()
            try TensorCopy.verify(result, of: stored.items, in: SafetensorsStore(path: path))
        case .huggingFaceHDF5:
            let path = folder.appending(path: "tf_model.h5").path
            let sink = try HDF5WeightsFile.create(
                at: path,
                stored.layers,
                targets,
                compression: options.compression
            )
            let result = try TensorCopy.run(stored.items, to: sink)
            try sink.finish()
            try TensorCopy.verify(result, of: stored.items, in: HDF5WeightsStore(path: path))
        case .kerasHub, .kerasWeights:
            preconditionFailure("\(options.format.rawValue) is not written")
        }
    }

    private func textFiles(
        _ result: Result,
        _ complete: (inout ModelCard) -> Void
    ) throws(Failure) -> [ModelFolder.File] {
        let model = result.model
        guard case .object(var members) = model.configuration.json(elementType: model.elementType)
        else { preconditionFailure("a configuration that is no object") }
        if !model.matrices.isEmpty { members[Int8Scheme.key] = Int8Scheme.value }
        let configuration = JSONValue.object(members).text() + "\n"
        var files = [("config.json", Array(configuration.utf8))]
        if let tokenizer = model.tokenizer {
            files += TokenizerFiles.files(
                vocabulary: tokenizer.vocabulary,
                configuration: tokenizer.configuration,
                maximumPositions: model.configuration.longestSequence
            )
        } else {
            files += try Conversion(plan).tokenizerFiles()
        }
        if let reduction = model.reduction, let old = try source.tokenizer?.loadVocabulary() {
            files.append(("vocabulary_map.tsv", Array(reduction.map(old).utf8)))
        }
        var card = card(result)
        complete(&card)
        return files.map { ModelFolder.File(name: $0.0, bytes: $0.1) } + [ModelFolder.File(card)]
    }

    private func card(_ result: Result) -> ModelCard {
        let name = source.url.standardizedFileURL.lastPathComponent
        let last = result.steps[result.steps.count - 1]
        var card = ModelCard(
            name: "\(name), compressed",
            summary: "Compressed by BertKit from \(source.layout)."
        )
        card.pipeline = result.model.configuration.head.pipeline
        card.tags = [result.model.configuration.modelType.rawValue]
        // Programs that do not know the scheme of int8 cannot load it.
        card.use = ["`bertkit predict --model .` runs it, without any Python."]
        card.comparisonHeader = [
            "step", "parameters", "bytes", last.qualityName, last.divergenceName,
        ]
        card.comparisonRows = result.steps.map { step in
            [
                step.name, String(step.parameterCount), String(step.byteCount),
                step.quality.map { Self.decimals($0) } ?? "–",
                step.divergence.map { Self.decimals($0) } ?? "–",
            ]
        }
        card.details = result.storage.map { ("storage", $0) }
        if last.qualityName == "accuracy", let quality = last.quality {
            card.metrics = [ModelCard.Metric(type: "accuracy", value: quality)]
        }
        return card
    }

    private static func decimals(_ value: Double) -> String { "\((value * 1e6).rounded() / 1e6)" }
}
