import Bert
import BiLSTM
import Diagnostics
import Kernels
import Tensors
import TestSupport
import Tokenization

/// What PyTorch computes of one text or of two, from `bilstm.h5`.
struct BiLSTMGolden {
    let golden: Golden
    let group: String
    let batch: PackedBatch
    let parameters: [String: Tensor]

    static let groups = ["single", "pair"]

    init(_ group: String) throws {
        golden = try Golden("bilstm.h5")
        self.group = group
        batch = PackedBatch(
            ids: try golden.integers("\(group)/ids"),
            tokenTypes: try golden.integers("\(group)/token_types"),
            offsets: try golden.integers("\(group)/offsets").map { Int($0) }
        )
        parameters = try golden.tensors(in: "\(group)/parameters")
    }

    var configuration: BiLSTMConfiguration {
        BiLSTMConfiguration(
            vocabularySize: 41,
            embeddingSize: 10,
            units: 19,
            hiddenSize: 13,
            readsPairs: group == "pair",
            dropout: 0,
            labels: ["a", "b", "c"],
            problemType: .classification
        )
    }

    /// - Parameter change: of the parameters, for a control that has to fail.
    func model(_ change: (String, Tensor) -> Tensor = { $1 }) -> BiLSTMModel {
        let model = BiLSTMModel(zeros: configuration)
        for (name, tensor) in parameters { model.set(name, to: change(name, tensor)) }
        return model
    }

    func logits() throws -> [Double] { try golden.doubles("\(group)/logits") }
    func targets() throws -> [Float] { try golden.tensor("\(group)/targets").values }
    func gradient(_ name: String) throws -> [Double] {
        try golden.doubles("\(group)/gradients/\(name)")
    }
}

extension BiLSTMPass {
    /// The mean squared difference of the last logits to targets; its gradient is put in its place.
    func meanSquares(_ targets: [Float]) -> Double {
        guard let logits, let target = logitGradients else { return .nan }
        let values = logits.values
        var loss = 0.0
        for (index, value) in values.enumerated() {
            let difference = Double(value) - Double(targets[index])
            loss += difference * difference / Double(values.count)
            target.base[index] = Float(2 * difference / Double(values.count))
        }
        return loss
    }
}

extension BiLSTMGradients {
    /// Every parameter's gradient by name.
    var byName: [String: [Float]] {
        var values: [String: [Float]] = [:]
        for entry in layout.entries {
            let start = denseBase + entry.slot.offset
            values[entry.name] =
                entry.name == layout.arena.table.name
                ? embeddings()
                : Array(UnsafeBufferPointer(start: start, count: entry.slot.shape.count))
        }
        return values
    }
}
