import Bert
import Foundation
import Kernels
import Tensors
import TestSupport
import Testing
import Tokenization

/// What the reference libraries computed from the checkpoints they wrote; only some machines have
/// them.
///
/// Their batches are padded and ours are packed. What is attended to is laid end to end, and runs
/// with the rows of the position table that stand for where it was: that expresses padding on
/// either side and holes. Only what a library computes *for* padding has no counterpart: the
/// rows of tokens that are not attended to, and a pooled output when the first one is not.
@Suite(
    .enabled(if: Fixtures.shared != nil, "the reference checkpoints are not on this machine")
)
struct `Golden outputs of the reference libraries` {
    @Test(arguments: SharedGolden.folders)
    func `are reproduced`(folder: String) throws {
        let checkpoint = try Checkpoint.open(SharedGolden.folder.appending(path: folder))
        let model = try checkpoint.loadModel()
        let (configuration, parameters) = (model.configuration, model.parameters)
        let pool = WorkerPool(workerCount: 2)
        var compared = 0
        for golden in try SharedGolden.cases(of: folder) where golden.edge == nil {
            for row in golden.ids.indices {
                let attended = golden.attended[row]
                var moved = parameters
                moved.embeddings.positionEmbeddings.weight = Self.rows(
                    attended,
                    of: parameters.embeddings.positionEmbeddings.weight
                )
                let inference = BertInference(
                    BertModel(configuration, parameters: moved),
                    pool: pool
                )
                var selection: OutputSelection = [
                    .head, .lastHiddenState, .hiddenStates, .attentions,
                ]
                if parameters.pooler != nil { selection.insert(.poolerOutput) }
                let batch = PackedBatch(
                    ids: attended.map { golden.ids[row][$0] },
                    tokenTypes: attended.map { golden.tokenTypes[row][$0] },
                    offsets: [0, attended.count]
                )
                compared += try compare(
                    inference.outputs(batch, selection),
                    golden,
                    row,
                    "\(golden.name), sequence \(row)"
                )
            }
        }
        #expect(compared > 10)
    }

    @Test func `all folders were found`() { #expect(SharedGolden.folders.count >= 20) }

    /// The table with the rows of these positions first.
    private static func rows(_ positions: [Int], of table: Tensor) -> Tensor {
        let width = table.shape[1]
        var values = table.values
        for (place, position) in positions.enumerated() {
            for column in 0..<width {
                values[place * width + column] = table.values[position * width + column]
            }
        }
        return Tensor(shape: table.shape, values: values)
    }

    /// - Returns: how many outputs were compared.
    private func compare(
        _ outputs: ModelOutputs,
        _ golden: SharedGolden,
        _ row: Int,
        _ comment: String
    ) throws -> Int {
        let positions = golden.attended[row]
        var compared = 0
        func compare(_ name: String, _ found: [Float]?, _ expected: [Float]) throws {
            let found = try #require(found, "\(name): \(comment)")
            expectClose(
                actual: found,
                expected: expected,
                absolute: 1e-4,
                reason: "\(name): \(comment)"
            )
            compared += 1
        }
        for (name, expected) in golden.outputs {
            let shape = expected.shape.dimensions
            switch name {
            case "hidden_states":
                let (batch, length, width) = (shape[1], shape[2], shape[3])
                for layer in 0..<shape[0] {
                    try compare(
                        "\(name) \(layer)",
                        outputs.hiddenStates?[layer].values,
                        positions.flatMap { position in
                            let start = ((layer * batch + row) * length + position) * width
                            return expected.values[start..<start + width]
                        }
                    )
                }
            case "attentions":
                let (batch, heads, length) = (shape[1], shape[2], shape[3])
                for layer in 0..<shape[0] {
                    let matrices = (0..<heads).flatMap { head in
                        positions.flatMap { query in
                            positions.map { key in
                                let matrix = (layer * batch + row) * heads + head
                                return expected.values[(matrix * length + query) * length + key]
                            }
                        }
                    }
                    try compare("\(name) \(layer)", outputs.attentions?[layer].values, matrices)
                }
            case "last_hidden_state",
                "logits" where shape.count == 3, "prediction_logits":
                let (length, width) = (shape[1], shape[2])
                try compare(
                    name,
                    name == "last_hidden_state"
                        ? outputs.lastHiddenState?.values
                        : (outputs.predictionLogits ?? outputs.logits)?.values,
                    positions.flatMap { position in
                        let start = (row * length + position) * width
                        return expected.values[start..<start + width]
                    }
                )
            case "logits", "pooler_output", "seq_relationship_logits":
                // The library pooled what stands first, attended to or not.
                guard positions.first == 0 else { continue }
                let width = shape[1]
                let found =
                    switch name {
                    case "pooler_output": outputs.poolerOutput
                    case "logits": outputs.logits
                    default: outputs.nextSentenceLogits
                    }
                try compare(
                    name,
                    found?.values,
                    Array(expected.values[row * width..<(row + 1) * width])
                )
            default: Issue.record("an output of another kind, \(name): \(comment)")
            }
        }
        return compared
    }
}
