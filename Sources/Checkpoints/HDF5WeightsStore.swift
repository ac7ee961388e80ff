public import Diagnostics
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
    /// Layers and groups that hold no tensor, such as dropout layers.
    public let weightlessLayers: [String]
    /// What a report should say about the file.
    public let notes: [String]

    private let file: HDF5File
    private let datasets: [String: HDF5Dataset]

    /// Opens and checks a file. All its defects of structure are in one `Failure`.
    public init(path: String) throws(Failure) {
        file = try HDF5File(path: path)
        source = path
        let isWholeModel = file.groups.contains("/model_weights")
        let root = isWholeModel ? "/model_weights" : "/"
        let prefix = isWholeModel ? "/model_weights/" : "/"
        guard let layers = try file.strings("layer_names", of: root) else {
            throw Self.notKeras2(file)
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
        entries = Self.entries(ordered.compactMap { byPath[$0] }, &problems)
        guard problems.isEmpty else {
            throw Failure(.badData, path, problems.joined(separator: "; "))
        }
        datasets = Dictionary(
            ordered.compactMap { path in byPath[path].map { (String(path.dropFirst()), $0) } }
        ) { first, _ in first }
        let version = try file.string("keras_version", of: root).map { " \(printable($0))" } ?? ""
        layout = isWholeModel ? "Keras\(version) whole model" : "Keras\(version) weights"
        let children = file.groups.filter {
            $0.hasPrefix(prefix) && $0 != "/" && !$0.dropFirst(prefix.utf8.count).contains("/")
        }
        let full = Set(ordered.map { $0.dropFirst(prefix.utf8.count).prefix { $0 != "/" } })
        weightlessLayers = children.map { $0.dropFirst(prefix.utf8.count) }
            .filter { !full.contains($0) }.map(String.init)
        notes = Self.notes(file)
    }

    public func read(
        _ name: String,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(Failure) {
        guard let dataset = datasets[name] else {
            preconditionFailure("\(name) is not an entry of \(source)")
        }
        try file.read(dataset, into: buffer)
    }

    /// Entries for datasets; one of a type that no tensor has is a problem.
    static func entries(_ datasets: [HDF5Dataset], _ problems: inout [String]) -> [TensorEntry] {
        datasets.compactMap { dataset in
            guard let type = dataset.elementType.tensorElementType else {
                problems.append(
                    "the dataset \"\(printable(dataset.path))\" has elements that are no tensor's: "
                        + dataset.elementType.phrase
                )
                return nil
            }
            return TensorEntry(
                name: String(dataset.path.dropFirst()),
                shape: Shape(dataset.dimensions),
                elementType: type
            )
        }
    }

    static func notes(_ file: HDF5File) -> [String] {
        let unwritten = file.datasets.filter { $0.storedByteCount == 0 && $0.count > 0 }
        guard !unwritten.isEmpty else { return [] }
        let names = unwritten.map { printable($0.path) }.joined(separator: ", ")
        return ["never written, read as their fill value: \(names)"]
    }

    private static func notKeras2(_ file: HDF5File) -> Failure {
        let isObjectPath = file.groups.contains { $0.hasSuffix("/vars") }
        return Failure(
            .badData,
            file.path,
            isObjectPath
                ? "this HDF5 file has Keras 3's layout (layers/…/vars), not that of tf_model.h5"
                : "this HDF5 file has no layer_names: it holds no Keras weights",
            remedy: isObjectPath ? "Save it with Hugging Face's save_pretrained" : nil
        )
    }
}

extension HDF5ElementType {
    /// The same type as tensors name it; `nil` for one that no tensor has.
    var tensorElementType: ElementType? {
        switch self {
        case .float16: .float16
        case .bfloat16: .bfloat16
        case .float32: .float32
        case .float64: .float64
        case .integer(1, isSigned: true): .int8
        case .integer(4, isSigned: true): .int32
        case .integer(8, isSigned: true): .int64
        case .integer, .other: nil
        }
    }

    var phrase: String {
        switch self {
        case .integer(let byteCount, let isSigned):
            "\(isSigned ? "signed" : "unsigned") integers of \(byteCount) bytes"
        case .other(let name): name
        case .float16, .bfloat16, .float32, .float64: "floats"
        }
    }
}
