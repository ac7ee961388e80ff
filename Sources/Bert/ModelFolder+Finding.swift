import Checkpoints
import Diagnostics
import Foundation

extension ModelFolder {
    /// The weights of a folder or a file, whichever layout they have.
    struct Weights {
        let store: any TensorStore
        let byteCount: Int
        let weightlessLayers: [String]
        let notes: [String]

        init(hdf5 url: URL) throws(Failure) {
            let store = try HDF5WeightsStore(path: url.relativePath)
            self.store = store
            byteCount = ModelFolder.byteCount(url)
            weightlessLayers = store.weightlessLayers
            notes = store.notes
        }

        init(index url: URL) throws(Failure) {
            let store = try ShardedStore(index: url)
            self.store = store
            byteCount = store.files.reduce(0) { $0 + ModelFolder.byteCount($1) }
            weightlessLayers = []
            notes = store.notes
        }
    }

    static func exists(_ url: URL) -> Bool {
        FileManager.default.fileExists(atPath: url.path)
    }

    static func byteCount(_ url: URL) -> Int {
        let attributes = try? FileManager.default.attributesOfItem(
            atPath: url.resolvingSymlinksInPath().path
        )
        return attributes?[.size] as? Int ?? 0
    }

    static func checkIsFolder(_ url: URL) throws(Failure) {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
            throw Failure(.missingInput, url.relativePath, "there is no such folder")
        }
        guard isFolder.boolValue else {
            throw Failure(
                .missingInput,
                url.relativePath,
                "this is a file, not a model's folder",
                remedy: "Give the folder that holds config.json, vocab.txt and the weights"
            )
        }
    }

    static func configuration(_ url: URL) throws(Failure) -> BertConfigurationFile {
        let file = url.appending(path: "config.json")
        guard exists(file) else {
            throw Failure(
                .missingInput,
                url.relativePath,
                "the folder has no config.json",
                remedy: "The weights alone do not say the number of heads, the activation, the "
                    + "epsilon or the labels"
            )
        }
        return try BertConfigurationFile(contentsOf: file)
    }

    /// The folder's weights: `tf_model.h5`, its shards, or its only other HDF5 file.
    static func weights(in url: URL) throws(Failure) -> Weights {
        let single = url.appending(path: "tf_model.h5")
        if exists(single) { return try Weights(hdf5: single) }
        let index = url.appending(path: "tf_model.h5.index.json")
        if exists(index) { return try Weights(index: index) }
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: url.path).sorted()
        } catch {
            throw Failure(.missingInput, url.relativePath, "the folder cannot be listed")
        }
        let candidates = names.filter { $0.hasSuffix(".h5") || $0.hasSuffix(".hdf5") }
        if candidates.count == 1 { return try Weights(hdf5: url.appending(path: candidates[0])) }
        guard candidates.isEmpty else {
            throw Failure(
                .missingInput,
                url.relativePath,
                "the folder has no tf_model.h5 and several other HDF5 files: "
                    + candidates.map(printable).joined(separator: ", ")
            )
        }
        let other = ["model.safetensors", "pytorch_model.bin", "model.keras"]
            .first(where: names.contains)
        throw Failure(
            .missingInput,
            url.relativePath,
            other.map { "the folder has no tf_model.h5, only \($0), which BertKit does not read" }
                ?? "the folder has no weights (tf_model.h5)"
        )
    }

    /// Why a tensor named `classifier` in the file of such a class is no sequence classifier's.
    static func classifierRule(_ architectures: [String]) -> String? {
        guard let architecture = architectures.first else { return nil }
        return architecture.contains("TokenClassification") ? "token-classification head" : nil
    }

    static func headless(
        _ store: any TensorStore,
        _ resolution: HuggingFaceTensorFlow.Resolution
    ) -> Failure {
        let heads = Set(resolution.ignored.map(\.rule).filter { $0.hasSuffix("head") }).sorted()
        return Failure(
            .badData,
            store.source,
            heads.isEmpty
                ? "the file has no sequence-classification head: it is a bare encoder"
                : "the file has no sequence-classification head, only a "
                    + heads.joined(separator: " and a "),
            remedy: "Train a head on it with \"bertkit finetune\" first"
        )
    }
}
