import Checkpoints
package import Diagnostics
package import Foundation
package import Tensors

extension HuggingFaceTensorFlow {
    /// Writes tensors in memory as `tf_model.h5`, and reads the file back.
    ///
    /// - Parameter tensors: by canonical name: all of the model's, or those of some layers.
    package static func write(
        _ tensors: [(name: String, tensor: Tensor)],
        _ configuration: BertConfiguration,
        to url: URL
    ) throws(Failure) {
        let store = MemoryStore(source: url.path, tensors)
        let entries = Dictionary(uniqueKeysWithValues: store.entries.map { ($0.name, $0) })
        let names = tensors.map(\.name)
        let items = keyMap(configuration, names: names).rows.map { row in
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
        let sink = try HDF5WeightsFile.create(
            at: url.path,
            layers(configuration, names: names),
            items.map(\.target)
        )
        let result = try TensorCopy.run(items, to: sink)
        try sink.finish()
        try TensorCopy.verify(result, of: items, in: HDF5WeightsStore(path: url.path))
    }
}
