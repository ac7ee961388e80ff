import Bert
import BiLSTM
import Conversion
import Diagnostics
import Foundation
import Provenance
import Tokenization

extension Convert {
    /// Writes a BiLSTM's folder with its weights as Keras or as PyTorch has them.
    func convertBiLSTM(to output: URL) throws {
        let naming: BiLSTMNaming
        switch target.to {
        case .kerasWeights: naming = .keras
        case .safetensors: naming = .pyTorch
        case .huggingFaceHDF5, .kerasHub:
            throw Failure(
                .usage,
                "--to",
                "\(target.to.rawValue) is a layout of encoders, and \(printable(source)) is a BiLSTM",
                remedy: "Choose keras-weights or safetensors"
            )
        }
        if let option = unusable.first {
            throw Failure(
                .usage,
                option,
                "it is of no use for a BiLSTM, which is written as it is",
                remedy: "Leave it out"
            )
        }
        let url = URL(filePath: source)
        let folder = try BiLSTMFolder(contentsOf: url)
        if runOptions.dryRun {
            let lines = folder.plan(naming).map { "\($0.from) -> \($0.to)  \($0.shape)\n" }
            try StandardOutput.write(lines.joined())
            return
        }
        try refuseSource(url, output)
        let vocabulary = try folder.loadVocabulary()
        let files = TokenizerFiles.files(
            vocabulary: vocabulary,
            configuration: try folder.loadTokenizerConfiguration(vocabulary),
            maximumPositions: TokenizerConfiguration.unlimitedLength
        )
        var card = ModelCard(
            name: "\(url.standardizedFileURL.lastPathComponent) as \(naming.fileName)",
            summary: "Converted by BertKit from \(folder.layout)."
        )
        card.library = naming == .keras ? "keras" : "pytorch"
        card.tags = [BiLSTMConfiguration.modelType]
        card.use = BiLSTMFolder.use(of: folder.configuration, naming)
        let provenance = try Provenance(command: ShellText.command, [("model", source)])
        card.command = ShellText.command
        card.details = provenance.details
        try BiLSTMFolder.write(
            folder.loadModel(),
            naming: naming,
            tokenizerFiles: files.map { ModelFolder.File(name: $0.name, bytes: $0.bytes) },
            records: { _ in [ModelFolder.File(card), provenance.file] },
            to: output,
            force: runOptions.force
        )
        try StandardOutput.write(
            "\(printable(source)): \(folder.layout)\n\(printable(destination)): "
                + "\(naming.phrase), read back equal\n"
        )
    }

    /// Options that were given and say nothing about a BiLSTM.
    private var unusable: [String] {
        [
            target.dtype != nil ? "--dtype" : nil, target.gzip != nil ? "--gzip" : nil,
            target.shardSize != nil ? "--shard-size" : nil, model.head != .keep ? "--head" : nil,
            model.only.isEmpty ? nil : "--only", model.rename.isEmpty ? nil : "--rename",
            model.allowApproximation ? "--allow-approximation" : nil,
            origin.config != nil ? "--config" : nil,
            origin.vocabulary != nil ? "--vocabulary" : nil,
            origin.casing.map { "--\($0.rawValue)" },
        ].compactMap(\.self)
    }

    /// Refuses a destination that is the source or holds it: `--force` would take it away.
    private func refuseSource(_ source: URL, _ output: URL) throws(Failure) {
        let paths = [source, output].map { $0.standardizedFileURL.resolvingSymlinksInPath().path }
        guard paths[0] == paths[1] || paths[0].hasPrefix(paths[1] + "/") else { return }
        throw Failure(
            .usage,
            output.relativePath,
            "the source is or lies in this folder",
            remedy: "Choose another destination"
        )
    }
}
