import Bert
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
    /// - Parameter command: the command line, for the model card.
    /// - Returns: the files with their bytes, by name.
    /// - Throws: `Failure`, `belowGate` for a model that its gate does not let through.
    public func write(
        _ result: Result,
        to url: URL,
        command: String? = nil
    ) throws(Failure) -> [(name: String, byteCount: Int)] {
        try result.checkGate(url)
        try Conversion(plan).refuseSource(url)
        var files: [(name: String, byteCount: Int)] = []
        try AtomicOutput.folder(url, force: options.force) { (folder) throws(Failure) in
            try writeWeights(result.model, into: folder)
            for file in try textFiles(result, command) {
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
        _ command: String?
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
        files.append(("README.md", Array(card(result, command).utf8)))
        return files.map { ModelFolder.File(name: $0.0, bytes: $0.1) }
    }

    private func card(_ result: Result, _ command: String?) -> String {
        let name = source.url.standardizedFileURL.lastPathComponent
        let last = result.steps[result.steps.count - 1]
        var card = ModelCard(
            name: "\(name), compressed",
            summary: "Compressed by BertKit from \(source.layout)."
        )
        card.pipeline = result.model.configuration.head.pipeline
        card.tags = [result.model.configuration.modelType.rawValue]
        card.command = command
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
        return card.text()
    }

    private static func decimals(_ value: Double) -> String { "\((value * 1e6).rounded() / 1e6)" }
}
