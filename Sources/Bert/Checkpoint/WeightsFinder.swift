import Checkpoints
import Diagnostics
import Foundation

/// Finds the weights that a path stands for.
struct WeightsFinder {
    let store: any TensorStore
    /// Where a configuration and a vocabulary are looked for.
    let folder: URL
    /// The archive that holds them all, for a `.keras` file.
    let archive: KerasArchive?
    let notes: [String]

    static func find(_ url: URL) throws(Failure) -> WeightsFinder {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
            // A TensorFlow checkpoint is called by a prefix that is no file.
            let index = URL(filePath: url.relativePath + ".index")
            if FileManager.default.fileExists(atPath: index.path) { return try file(index) }
            throw Failure(.missingInput, url.relativePath, "there is no such file or folder")
        }
        return isFolder.boolValue ? try inFolder(url) : try file(url)
    }

    private static func file(_ url: URL) throws(Failure) -> WeightsFinder {
        let folder = url.deletingLastPathComponent()
        if try TensorContainer.isKerasArchive(url) {
            let archive = try KerasArchive(path: url.relativePath)
            return WeightsFinder(
                store: try archive.weights(),
                folder: folder,
                archive: archive,
                notes: []
            )
        }
        return WeightsFinder(
            store: try TensorContainer.open(url),
            folder: folder,
            archive: nil,
            notes: []
        )
    }

    /// The folder's weights: the first of the known names, else its only file of a known kind.
    private static func inFolder(_ url: URL) throws(Failure) -> WeightsFinder {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: url.path).sorted()
        } catch {
            throw Failure(.missingInput, url.relativePath, "the folder cannot be listed")
        }
        var candidates = knownNames.filter(names.contains)
        if candidates.isEmpty {
            candidates = names.filter { name in
                !name.hasPrefix(".") && endings.contains { name.hasSuffix($0) }
            }
            guard candidates.count < 2 else {
                throw Failure(
                    .missingInput,
                    url.relativePath,
                    "the folder has several weight files: "
                        + candidates.map(printable).joined(separator: ", "),
                    remedy: "Give the file itself"
                )
            }
        }
        guard let chosen = candidates.first else {
            let exported = names.first { $0.hasSuffix(".onnx") || $0.hasSuffix(".gguf") }
            if let exported {
                throw Failure(
                    .badData,
                    url.relativePath,
                    "the folder has no weights but \(printable(exported)), an export for another "
                        + "runtime",
                    remedy: "Give the checkpoint that it was exported from"
                )
            }
            throw Failure(
                .missingInput,
                url.relativePath,
                "the folder has no weights (\(knownNames[0]), \(knownNames[2]), …)"
            )
        }
        let found = try file(url.appending(path: chosen))
        var store = found.store
        let task = url.appending(path: "task.weights.h5")
        if chosen.hasPrefix("model.weights"), names.contains("task.weights.h5") {
            let prefix = KerasObjectNaming.taskPrefix
            if let entry = store.entries.first(where: { $0.name.hasPrefix(prefix) }) {
                throw Failure(
                    .badData,
                    store.source,
                    "the dataset \"\(printable(entry.name))\" bears the name of the task's file "
                        + "beside it"
                )
            }
            store = JoinedStore(
                source: url.relativePath,
                layout: store.layout,
                [
                    ("", store),
                    (prefix, try HDF5ObjectsStore(path: task.relativePath)),
                ]
            )
        }
        let others = candidates.dropFirst().map(printable).joined(separator: ", ")
        return WeightsFinder(
            store: store,
            folder: url,
            archive: found.archive,
            notes: others.isEmpty ? [] : ["read from \(chosen); not from \(others) beside it"]
        )
    }

    private static let knownNames = [
        "tf_model.h5", "tf_model.h5.index.json", "model.safetensors",
        "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json",
        "model.weights.h5", "model.weights.json", "model.keras", "bert_model.ckpt.index",
    ]

    private static let endings = [
        ".h5", ".hdf5", ".safetensors", ".bin", ".pt", ".pth", ".keras", ".index", ".ckpt",
    ]
}
