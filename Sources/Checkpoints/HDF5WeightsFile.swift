public import Diagnostics
import Tensors

/// Keras 2 weights files, Hugging Face's `tf_model.h5` included, as they are written.
public enum HDF5WeightsFile {
    /// A second name for a weight of another layer.
    public struct Link: Sendable, Hashable {
        /// In the layer's list of weights.
        public let name: String
        /// `LAYER/WEIGHT`.
        public let target: String

        public init(name: String, target: String) {
            self.name = name
            self.target = target
        }
    }

    /// One Keras layer: its group, and its weights in the order in which Keras makes them.
    public struct Layer: Sendable, Hashable {
        public let name: String
        public let weightNames: [String]
        /// Weights of other layers that this one lists after its own.
        public var links: [Link] = []

        public init(name: String, weightNames: [String]) {
            self.name = name
            self.weightNames = weightNames
        }

        /// The names of its tensors in a key map: `LAYER/WEIGHT`.
        public var storedNames: [String] { weightNames.map { "\(name)/\($0)" } }
    }

    /// The version of Keras whose layout is written, which readers look at.
    static let kerasVersion = "2.21.0"

    /// A group for weights that belong to no layer, which Keras writes since 2021.
    private static let topLevelWeights = "top_level_model_weights"

    /// Creates a file with everything but its values.
    ///
    /// - Parameters:
    ///   - layers: in model order.
    ///   - tensors: every tensor that the layers name, by its stored name.
    ///   - compression: gzip's level; `nil` for plain datasets.
    public static func create(
        at path: String,
        _ layers: [Layer],
        _ tensors: [TensorEntry],
        compression: Int? = nil
    ) throws(Failure) -> HDF5Sink {
        var attributes = [
            HDF5Attribute("", "layer_names", .list(layers.map(\.name))),
            HDF5Attribute("", "backend", .text("tensorflow")),
            HDF5Attribute("", "keras_version", .text(kerasVersion)),
            HDF5Attribute(topLevelWeights, "weight_names", .list([])),
        ]
        var links: [(name: String, target: String)] = []
        for layer in layers {
            let names = layer.weightNames + layer.links.map(\.name)
            attributes.append(HDF5Attribute(layer.name, "weight_names", .list(names)))
            links += layer.links.map { ("\(layer.name)/\($0.name)", $0.target) }
        }
        return try HDF5Sink(
            creating: path,
            tensors,
            compression: compression,
            groups: [topLevelWeights] + layers.map(\.name),
            attributes: attributes,
            links: links
        )
    }
}
