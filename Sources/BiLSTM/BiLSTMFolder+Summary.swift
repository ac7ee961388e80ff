public import Bert
import Checkpoints
public import Diagnostics
import Foundation
import Tensors

extension BiLSTMFolder {
    /// What the folder holds, for `bertkit inspect`; every value is looked at.
    public func summary() throws(Failure) -> CheckpointSummary {
        try CheckpointSummary(
            path: url.relativePath,
            layout: layout,
            store: store,
            configuration: configuration.json,
            head: "hidden layer and outputs of a BiLSTM",
            labels: configuration.labels,
            names: Dictionary(
                uniqueKeysWithValues: naming.keyMap.rows.map { ($0.stored, $0.canonical) }
            ),
            rules: Dictionary(
                uniqueKeysWithValues: naming.secondBiases.map {
                    ($0.stored, "added to \($0.canonical)")
                }
            ),
            isHead: { $0.hasPrefix("hidden.") || $0.hasPrefix("output.") },
            isEmbedding: { $0.hasPrefix("embedding.") },
            notes: notes
        )
    }

    /// Under which names the tensors of another layout are written.
    public func plan(_ other: BiLSTMNaming) -> [(from: String, to: String, shape: [Int])] {
        let shapes = Dictionary(
            uniqueKeysWithValues: BiLSTMLayout.shapes(configuration).map { ($0.name, $0.shape) }
        )
        return zip(naming.keyMap.rows, other.keyMap.rows).compactMap { mine, theirs in
            shapes[mine.canonical].flatMap(theirs.transform.stored).map {
                (mine.stored, theirs.stored, $0.dimensions)
            }
        }
    }
}
