import Bert
import Checkpoints
import Foundation
import Kernels
import Tensors
import TestSupport
import Tokenization

/// A small model of one family and head, a batch and what PyTorch computes for them:
/// `fixtures/generate/head_goldens.py`.
struct HeadGolden {
    let name: String
    let head: Head
    let file: Golden
    var configuration: BertConfiguration
    var parameters: BertParameters<Tensor>
    var batch: PackedBatch

    static let projected = "electra_projected"
    /// Every file and the heads in it.
    static let all: [(name: String, head: Head)] =
        ModelFamily.allCases.flatMap { family in
            family.heads.map { (family.rawValue, $0) }
        }
        + [
            (projected, .none), (projected, .sequenceClassification),
            (projected, .maskedLanguageModel), (projected, .replacedTokenDetection),
        ]

    init(_ name: String, _ head: Head) throws {
        let file = try Golden("heads_\(name).h5")
        (self.name, self.head, self.file) = (name, head, file)
        configuration = try Self.configuration("\(name)/\(head.rawValue)").configuration
        parameters = try BertParameters<Shape>(configuration).map { name, _ in
            try Self.parameter(name, head, file)
        }
        batch = try Self.batch("batch", file)
    }

    static func batch(_ group: String, _ file: Golden) throws -> PackedBatch {
        PackedBatch(
            ids: try file.integers("\(group)/ids"),
            tokenTypes: try file.integers("\(group)/token_types"),
            offsets: try file.integers("\(group)/offsets").map { Int($0) }
        )
    }

    /// A head's own parameter where it has one, else what all heads share.
    private static func parameter(_ name: String, _ head: Head, _ file: Golden) throws -> Tensor {
        let own = "\(head.rawValue)/parameters/\(name)"
        return try (try? file.tensor(own)) ?? file.tensor("parameters/\(name)")
    }

    /// A configuration as the library writes it.
    static func configuration(_ key: String) throws -> BertConfigurationFile {
        try BertConfigurationFile(bytes: Array(members(key).text().utf8), source: key)
    }

    static func members(_ key: String) throws -> JSONValue {
        let url = Fixtures.folder.appending(path: "goldens/head_configurations.json")
        let all = try JSONValue.parse(Array(Data(contentsOf: url)), source: url.lastPathComponent)
        guard case .object(let configurations) = all, let members = configurations[key] else {
            throw CocoaError(.fileNoSuchFile)
        }
        return members
    }

    func model() -> BertModel { BertModel(configuration, parameters: parameters) }

    func inference(workers: Int = 2, packing: Bool = false) -> BertInference {
        BertInference(model(), pool: WorkerPool(workerCount: workers), packing: packing)
    }

    var selection: OutputSelection {
        guard head == .none else { return .head }
        let states: OutputSelection = [.lastHiddenState, .hiddenStates, .attentions]
        return configuration.hasPooler ? states.union(.poolerOutput) : states
    }

    /// Every output, element by element, against what PyTorch computed.
    func verdict(packing: Bool = false) throws -> Verdict {
        var verdict = Verdict()
        let outputs = inference(packing: packing).outputs(batch, selection)
        for name in try file.names(in: "\(head.rawValue)/outputs") {
            let expected = try file.tensor("\(head.rawValue)/outputs/\(name)")
            let tensor = outputs.tensor(named: name)
            // The library gives choices as [questions, choices].
            if head != .multipleChoice, tensor?.shape != expected.shape {
                verdict.add("shape of \(name)", error: .infinity, allowed: 0)
            }
            verdict.compare(
                name,
                tensor?.values ?? [],
                expected.values.map(Double.init),
                within: 1e-4
            )
        }
        return verdict
    }
}

extension ModelOutputs {
    /// The output of the goldens' name.
    func tensor(named name: String) -> Tensor? {
        let parts = name.split(separator: ".")
        let index = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        return switch parts[0] {
        case "logits": logits
        case "start_logits": startLogits
        case "end_logits": endLogits
        case "prediction_logits": predictionLogits
        case "next_sentence_logits": nextSentenceLogits
        case "replaced_token_logits": replacedTokenLogits
        case "last_hidden_state": lastHiddenState
        case "pooler_output": poolerOutput
        case "hidden_states": hiddenStates?[index]
        case "attentions": attentions?[index]
        default: nil
        }
    }
}
