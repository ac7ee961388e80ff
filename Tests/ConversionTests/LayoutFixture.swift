import Bert
import Checkpoints
import Foundation
import Tensors
import TestSupport
import Testing
import Tokenization

/// A folder of `fixtures/layouts` and what `index.json` says it holds; see `fixtures/README.md`.
struct LayoutFixture: Sendable, CustomTestStringConvertible {
    let name: String
    let model: String
    let family: String
    let weights: String
    let elementType: ElementType
    let batchName: String
    let goldens: String
    let file: String?
    let activation: String?
    let absent: Set<String>

    var testDescription: String { name }

    static let folder = Fixtures.folder.appending(path: "layouts")

    var url: URL {
        let folder = Self.folder.appending(path: name)
        return file.map { folder.appending(path: $0) } ?? folder
    }

    static let all: [LayoutFixture] = {
        let index = folder.appending(path: "index.json")
        guard let bytes = try? readFile(index),
            case .object(let members)? = try? JSONValue.parse(bytes, source: "index.json"),
            case .object(let folders)? = members["folders"]
        else { preconditionFailure("fixtures/layouts/index.json cannot be read") }
        return folders.sorted { $0.key < $1.key }.map { LayoutFixture($0.key, $0.value) }
    }()

    static func named(_ name: String) -> LayoutFixture {
        guard let fixture = all.first(where: { $0.name == name }) else {
            preconditionFailure("no fixture \(name)")
        }
        return fixture
    }

    private init(_ name: String, _ value: JSONValue) {
        guard case .object(let members) = value else { preconditionFailure("\(name) is no object") }
        func text(_ key: String) -> String? {
            if case .string(let text)? = members[key] { text } else { nil }
        }
        guard let model = text("model"), let family = text("family"), let weights = text("weights"),
            let type = text("elementType").flatMap(ElementType.init), let batch = text("batch"),
            let goldens = text("goldens")
        else { preconditionFailure("\(name) lacks a member") }
        self.name = name
        self.model = model
        self.family = family
        self.weights = weights
        elementType = type
        batchName = batch
        self.goldens = goldens
        file = text("file")
        activation = text("activation")
        var absent: Set<String> = []
        if case .array(let names)? = members["absent"] {
            for case .string(let name) in names { absent.insert(name) }
        }
        self.absent = absent
    }

    var head: Head {
        switch model {
        case "base": .none
        case "sequence_classification": .sequenceClassification
        case "token_classification": .tokenClassification
        case "question_answering": .questionAnswering
        case "masked_lm": .maskedLanguageModel
        case "pre_training": .preTraining
        case "next_sentence": .nextSentence
        case "multiple_choice": .multipleChoice
        case "replaced_token_detection": .replacedTokenDetection
        default: preconditionFailure("the model \(model)")
        }
    }

    static let reference: Golden = {
        guard let golden = try? Golden("../layouts/goldens/reference.h5") else {
            preconditionFailure("the reference cannot be read")
        }
        return golden
    }()

    /// The tensors that the folder was made from, rounded to what it stores.
    func expectedTensors() throws -> [String: Tensor] {
        var tensors = try Self.reference.tensors(in: weights)
        if name == "keras_masked_lm" {
            // KerasHub's encoder has a pooler under any head.
            for (name, tensor) in try Self.reference.tensors(in: "bert/base")
            where name.hasPrefix("pooler.") { tensors[name] = tensor }
        }
        return tensors.filter { !absent.contains($0.key) }.mapValues { rounded($0) }
    }

    func rounded(_ tensor: Tensor) -> Tensor {
        guard elementType == .float16 || elementType == .bfloat16 else { return tensor }
        var values = tensor.values
        var bytes = [UInt8](repeating: 0, count: values.count * 2)
        bytes.withUnsafeMutableBytes { bytes in
            _ = values.withUnsafeBufferPointer { elementType.encode($0, into: bytes) }
            values.withUnsafeMutableBufferPointer {
                elementType.decode(UnsafeRawBufferPointer(bytes), into: $0)
            }
        }
        return Tensor(shape: tensor.shape, values: values)
    }

    /// The inputs of the golden outputs.
    func batch() throws -> PackedBatch {
        let group = "batches/\(batchName)"
        return PackedBatch(
            ids: try Self.reference.integers("\(group)/ids"),
            tokenTypes: try Self.reference.integers("\(group)/token_types"),
            offsets: try Self.reference.integers("\(group)/offsets").map(Int.init)
        )
    }

    func expectedOutputs() throws -> [String: Tensor] {
        try Golden("../layouts/goldens/\(goldens).h5").tensors(in: name)
    }
}
