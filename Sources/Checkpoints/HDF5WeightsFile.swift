public import Diagnostics
public import Foundation
import Glibc
import HDF5
public import Tensors

/// Writes Keras 2 weights files, Hugging Face's `tf_model.h5` included.
public enum HDF5WeightsFile {
    /// One Keras layer: its group, and its weights in the order in which Keras makes them.
    public struct Layer: Sendable, Hashable {
        public let name: String
        public let weightNames: [String]

        public init(name: String, weightNames: [String]) {
            self.name = name
            self.weightNames = weightNames
        }

        /// The names of its tensors in a key map: `LAYER/WEIGHT`.
        public var storedNames: [String] { weightNames.map { "\(name)/\($0)" } }
    }

    /// The version of Keras whose layout is written, which readers look at.
    static let kerasVersion = "2.21.0"

    /// Writes a file that must not exist yet, then opens it again and compares every element with
    /// what was to be written, bit for bit.
    ///
    /// - Parameters:
    ///   - layers: in model order.
    ///   - tensor: the canonical tensor of a canonical name.
    /// - Precondition: the map has a row for every stored name of the layers.
    public static func write(
        _ layers: [Layer],
        keyMap: KeyMap,
        to url: URL,
        tensor: (_ canonicalName: String) -> Tensor
    ) throws(Failure) {
        let rowByName = Dictionary(uniqueKeysWithValues: keyMap.rows.map { ($0.stored, $0) })
        func stored(_ name: String) -> Tensor {
            guard let row = rowByName[name] else { preconditionFailure("no row for \(name)") }
            return row.transform.stored(tensor(row.canonical))
        }
        let writer = try HDF5Writer(creating: url.path)
        for group in groups(layers) {
            try writer.createGroup(group)
        }
        try writer.write(layers.map(\.name), attribute: "layer_names", of: "/")
        try writer.write("tensorflow", attribute: "backend", of: "/")
        try writer.write(kerasVersion, attribute: "keras_version", of: "/")
        try writer.write([], attribute: "weight_names", of: "/" + topLevelWeights)
        for layer in layers {
            try writer.write(layer.weightNames, attribute: "weight_names", of: "/" + layer.name)
            for name in layer.storedNames {
                let tensor = stored(name)
                try tensor.values.withUnsafeBufferPointer { (values) throws(Failure) in
                    try writer.write(
                        values,
                        dimensions: tensor.shape.dimensions,
                        to: "/" + name
                    )
                }
            }
        }
        try writer.close()
        try verify(layers, at: url, stored: stored)
    }

    /// A group for weights that belong to no layer, which Keras writes since 2021.
    private static let topLevelWeights = "top_level_model_weights"

    /// Every group the datasets need, sorted: a group comes before those inside it.
    private static func groups(_ layers: [Layer]) -> [String] {
        var groups: Set<String> = ["/" + topLevelWeights]
        for layer in layers {
            groups.insert("/" + layer.name)
            for name in layer.storedNames {
                let components = name.split(separator: "/").dropLast()
                for count in 1...components.count {
                    groups.insert("/" + components.prefix(count).joined(separator: "/"))
                }
            }
        }
        return groups.sorted()
    }

    private static func verify(
        _ layers: [Layer],
        at url: URL,
        stored: (String) -> Tensor
    ) throws(Failure) {
        let store = try HDF5WeightsStore(path: url.path)
        let names = layers.flatMap(\.storedNames)
        guard store.entries.map(\.name) == names else {
            throw Failure(.inputOutput, url.path, "the written file lists other tensors")
        }
        for entry in store.entries {
            let (written, wanted) = (try store.tensor(entry), stored(entry.name))
            guard written.shape == wanted.shape, written.isBitEqual(to: wanted) else {
                throw Failure(
                    .inputOutput,
                    url.path,
                    "the tensor \"\(entry.name)\" did not come back as it was written"
                )
            }
        }
    }
}

extension Tensor {
    /// Equality of the bits, which tells 0 from -0 and holds for NaN.
    func isBitEqual(to other: Tensor) -> Bool {
        guard values.count == other.values.count, !values.isEmpty else {
            return values.count == other.values.count
        }
        return values.withUnsafeBytes { bytes in
            other.values.withUnsafeBytes {
                memcmp(bytes.baseAddress!, $0.baseAddress!, bytes.count) == 0
            }
        }
    }
}
