public import Bert
import Checkpoints
public import Diagnostics
public import Foundation
import Tensors

extension BiLSTMFolder {
    /// Writes a folder, complete or not at all; the weights are read back and compared bit for bit
    /// before it gets its name.
    ///
    /// - Parameters:
    ///   - naming: how the weights are written.
    ///   - tokenizerFiles: `vocab.txt`, `tokenizer_config.json`, ….
    ///   - records: gives what is written last, `README.md` above all, for the size of the weights file in
    ///     bytes.
    ///   - force: whether a folder of that name may be replaced.
    ///   - additionalFiles: whatever else belongs to the run.
    public static func write(
        _ model: BiLSTMModel,
        naming: BiLSTMNaming = .keras,
        tokenizerFiles: [ModelFolder.File],
        records: (_ weightsByteCount: Int) throws(Failure) -> [ModelFolder.File],
        to url: URL,
        force: Bool,
        additionalFiles: [ModelFolder.File] = []
    ) throws(Failure) {
        let parameters = model.parameters
        let bad = parameters.filter { $0.tensor.firstNonFiniteIndex != nil }.map(\.name)
        guard bad.isEmpty else {
            throw Failure(
                .diverged,
                url.relativePath,
                "not written: values that are not finite in \(bad.joined(separator: ", "))"
            )
        }
        let configuration = Array((model.configuration.json.text() + "\n").utf8)
        let files =
            [ModelFolder.File(name: "config.json", bytes: configuration)] + tokenizerFiles
            + additionalFiles
        try AtomicOutput.folder(url, force: force) { (folder) throws(Failure) in
            let weights = folder.appending(path: naming.fileName)
            try write(parameters, naming, to: weights)
            for file in files { try ModelFolder.write(file, into: folder) }
            let size = (try? FileManager.default.attributesOfItem(atPath: weights.path))?[.size]
            guard let byteCount = size as? Int else {
                throw Failure(.inputOutput, url.relativePath, "the written weights are gone")
            }
            for file in try records(byteCount) { try ModelFolder.write(file, into: folder) }
        }
    }

    private static func write(
        _ parameters: [(name: String, tensor: Tensor)],
        _ naming: BiLSTMNaming,
        to url: URL
    ) throws(Failure) {
        let zeros = naming.secondBiases.map { name, canonical in
            let like = parameters.first { $0.name == canonical }
            guard let shape = like?.tensor.shape else { preconditionFailure("no \(canonical)") }
            return (name: name, tensor: Tensor(repeating: 0, shape: shape))
        }
        let store = MemoryStore(source: url.path, parameters + zeros)
        let entries = Dictionary(uniqueKeysWithValues: store.entries.map { ($0.name, $0) })
        let rows =
            naming.keyMap.rows
            + zeros.map {
                KeyMap.Row(canonical: $0.name, stored: $0.name, transform: .identity)
            }
        let items = rows.map { row in
            guard let entry = entries[row.canonical],
                let shape = row.transform.stored(entry.shape)
            else { preconditionFailure("no \(row.canonical)") }
            return TensorCopy.Item(
                from: store,
                entry,
                reading: .identity,
                writing: row.transform,
                to: TensorEntry(name: row.stored, shape: shape, elementType: .float32)
            )
        }
        let targets = items.map(\.target)
        let sink: any TensorSink
        switch naming {
        case .keras: sink = try HDF5Sink(creating: url.path, targets)
        case .pyTorch: sink = try SafetensorsWriter(creating: url.path, tensors: targets)
        }
        let result = try TensorCopy.run(items, to: sink)
        try sink.finish()
        try TensorCopy.verify(result, of: items, in: TensorContainer.open(url))
    }
}
