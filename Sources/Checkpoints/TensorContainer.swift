public import Diagnostics
public import Foundation
import HDF5

/// The kinds of files that tensors are read from, told by their content.
public enum TensorContainer: String, Sendable, Hashable, CaseIterable {
    case hdf5
    case safetensors
    /// PyTorch's zip archive of a pickle and storages.
    case pyTorchArchive
    /// PyTorch's pickles before version 1.6, which storages follow.
    case pyTorchLegacy
    /// Keras 3's zip archive of a configuration and an HDF5 file.
    case kerasArchive
    /// The index of a TensorFlow checkpoint.
    case tensorFlowBundle
    /// The JSON index of weights in several files.
    case shardIndex

    /// What a file is.
    ///
    /// Throws `badData`, with what the file is instead where that is known, for one that holds no
    /// tensors; `missingInput` when there is no such file.
    public static func recognize(_ url: URL) throws(Failure) -> TensorContainer {
        let path = url.relativePath
        let file = try OpenFile(path: path)
        let head = try file.bytes(0..<min(FileKind.headByteCount, file.byteCount))
        let kind = FileKind(head: head, byteCount: file.byteCount)
        switch kind {
        case .hdf5: return .hdf5
        case .safetensors: return .safetensors
        case .zip: return try archive(file)
        default: break
        }
        // What an index of TensorFlow begins with could be anything.
        if try TensorFlowBundleIndex.isOne(file) { return .tensorFlowBundle }
        if kind == .pickle { return .pyTorchLegacy }
        if kind == .json { return .shardIndex }
        if try hasUserBlock(file) { return .hdf5 }
        if let kind { throw kind.failure(path, insteadOf: "a file of tensors") }
        // A file that is nothing known and calls itself this gets the reason that its reader has.
        if url.pathExtension == "safetensors" { return .safetensors }
        throw Failure(
            .badData,
            path,
            "this is no file of tensors that is known (HDF5, safetensors, PyTorch, TensorFlow)"
        )
    }

    /// Opens weights: a file, an index of shards, or the prefix of a TensorFlow checkpoint
    /// (`bert_model.ckpt`) that stands for its index.
    ///
    /// Everything about the tensors but their values is checked. Matrices that are stored as int8 with
    /// scales beside them are read as floats (`QuantizedStore`).
    public static func open(_ url: URL) throws(Failure) -> any TensorStore {
        let place = TensorFlowBundleStore.index(for: url) ?? url
        let store = try recognize(place).open(place)
        return try QuantizedStore.isOne(store) ? QuantizedStore(store) : store
    }

    /// Whether a file is a `.keras` archive, which holds more than tensors.
    public static func isKerasArchive(_ url: URL) throws(Failure) -> Bool {
        let place = TensorFlowBundleStore.index(for: url) ?? url
        return try recognize(place) == .kerasArchive
    }

    /// Opens a file that is known to be of this kind.
    func open(_ url: URL) throws(Failure) -> any TensorStore {
        let path = url.relativePath
        switch self {
        case .hdf5:
            let file = try HDF5File(path: path)
            return try HDF5WeightsStore.isOne(file)
                ? HDF5WeightsStore(file) : HDF5ObjectsStore(file)
        case .safetensors: return try SafetensorsStore(path: path)
        case .pyTorchArchive, .pyTorchLegacy: return try PyTorchStore(path: path)
        case .tensorFlowBundle: return try TensorFlowBundleStore(index: path)
        case .shardIndex:
            return try JoinedStore.isKerasIndex(url)
                ? try JoinedStore.kerasShards(index: url) : try ShardedStore(index: url)
        case .kerasArchive:
            return try KerasArchive(path: path).weights()
        }
    }

    var phrase: String {
        switch self {
        case .hdf5: "an HDF5 file"
        case .safetensors: "a safetensors file"
        case .pyTorchArchive, .pyTorchLegacy: "a PyTorch file"
        case .kerasArchive: "a .keras archive"
        case .tensorFlowBundle: "the index of a TensorFlow checkpoint"
        case .shardIndex: "an index of shards"
        }
    }

    /// Which zip archive it is, by its entries.
    private static func archive(_ file: OpenFile) throws(Failure) -> TensorContainer {
        let archive = try ZipArchive(file)
        if archive["model.weights.h5"] != nil || archive["config.json"] != nil {
            return .kerasArchive
        }
        if archive.entries.contains(where: { $0.name.hasSuffix("/data.pkl") }) {
            return .pyTorchArchive
        }
        throw Failure(
            .badData,
            file.path,
            "this zip archive has neither PyTorch's data.pkl nor Keras' model.weights.h5"
        )
    }

    /// Whether HDF5's signature stands after a user block of 512, 1024, 2048, … bytes.
    private static func hasUserBlock(_ file: OpenFile) throws(Failure) -> Bool {
        var offset = 512
        while offset > 0 && offset < file.byteCount - 8 {
            let head = try file.bytes(offset..<offset + 8)
            if FileKind(head: head, byteCount: head.count) == .hdf5 { return true }
            offset &*= 2
        }
        return false
    }
}
