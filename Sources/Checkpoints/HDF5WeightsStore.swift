public import Diagnostics
public import Foundation
import HDF5
import Tensors

/// The weights of a Keras 2 HDF5 file, Hugging Face's `tf_model.h5` included.
///
/// The layout: the root attribute `layer_names` lists groups, each group's attribute
/// `weight_names` lists datasets below it. A whole model (`model.save`) has the same below
/// `model_weights`, beside an optimizer's state. An entry's name is the dataset's path without the
/// leading slash. The listed datasets come first, in the order of the lists, then any others: a
/// dataset that no list names is still an entry, so that nothing in a file goes unseen.
public struct HDF5WeightsStore: TensorStore {
    public let source: String
    public let layout: String
    public let entries: [TensorEntry]
    public let weightlessLayers: [String]
    public let notes: [String]
    public let embeddedConfiguration: String?
    public var files: [URL] { [URL(filePath: source)] }

    private let datasets: HDF5Datasets

    /// Opens and checks a file. All its defects of structure are in one `Failure`.
    public init(path: String) throws(Failure) {
        try self.init(HDF5File(path: path))
    }

    init(_ file: HDF5File) throws(Failure) {
        let path = file.path
        source = path
        let isWholeModel = file.groups.contains("/model_weights")
        let root = isWholeModel ? "/model_weights" : "/"
        let prefix = isWholeModel ? "/model_weights/" : "/"
        guard let layers = try file.strings("layer_names", of: root) else {
            throw Failure(
                .badData,
                path,
                "this HDF5 file has no layer_names: it holds no Keras 2 weights"
            )
        }
        let byPath = Dictionary(file.datasets.map { ($0.path, $0) }) { first, _ in first }
        guard !layers.contains(where: { byPath["/" + $0] != nil }) else {
            throw Failure(
                .badData,
                path,
                "this is one shard of a model that was saved in several files",
                remedy: "Give the folder that holds all of them and their tf_model.h5.index.json"
            )
        }
        let groups = Set(file.groups)
        var listed: [String] = []
        var problems: [String] = []
        for layer in layers {
            let group = prefix + layer
            guard groups.contains(group) else {
                problems.append("the layer \"\(printable(layer))\" has no group")
                continue
            }
            guard let weights = try file.strings("weight_names", of: group) else {
                problems.append("the layer \"\(printable(layer))\" has no weight_names")
                continue
            }
            for weight in weights {
                let name = "\(group)/\(weight)"
                if byPath[name] == nil {
                    problems.append("the dataset \"\(printable(name))\" is named and absent")
                } else {
                    listed.append(name)
                }
            }
        }
        let known = Set(listed)
        if known.count != listed.count { problems.append("a dataset is named twice") }
        let ordered = listed + file.datasets.map(\.path).filter { !known.contains($0) }
        entries = HDF5Datasets.entries(ordered.compactMap { byPath[$0] }, &problems)
        guard problems.isEmpty else {
            throw Failure(.badData, path, problems.joined(separator: "; "))
        }
        datasets = try HDF5Datasets(file)
        let version = try file.string("keras_version", of: root).map { " \(printable($0))" } ?? ""
        layout = isWholeModel ? "Keras\(version) whole model" : "Keras\(version) weights"
        let children = file.groups.filter {
            $0.hasPrefix(prefix) && $0 != "/" && !$0.dropFirst(prefix.utf8.count).contains("/")
        }
        let full = Set(ordered.map { $0.dropFirst(prefix.utf8.count).prefix { $0 != "/" } })
        weightlessLayers = children.map { $0.dropFirst(prefix.utf8.count) }
            .filter { !full.contains($0) }.map(String.init)
        notes = HDF5Datasets.notes(file)
        embeddedConfiguration = try file.string("model_config", of: "/")
    }

    public func read(
        _ entry: TensorEntry,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Failure) {
        try datasets.read(entry.name, into: buffer)
    }

    public func extent(of entry: TensorEntry) -> FileExtent? {
        datasets.extent(of: entry.name)
    }

    /// Whether an HDF5 file lists its weights as Keras 2 does.
    static func isOne(_ file: HDF5File) throws(Failure) -> Bool {
        let root = file.groups.contains("/model_weights") ? "/model_weights" : "/"
        return try file.strings("layer_names", of: root) != nil
    }
}
