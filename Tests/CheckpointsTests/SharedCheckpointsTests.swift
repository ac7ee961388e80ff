import Bert
import Checkpoints
import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

/// Checkpoints that the reference libraries wrote; only some machines have them.
@Suite(.enabled(if: Fixtures.shared != nil, "the reference checkpoints are not on this machine"))
struct `Checkpoints of the reference libraries` {
    let folder = (Fixtures.shared ?? Fixtures.folder).appending(path: "checkpoints")

    /// The tensors of a PyTorch file of little-endian float32.
    private func safetensors(_ url: URL) throws -> [String: Tensor] {
        let bytes = [UInt8](try Data(contentsOf: url))
        let length = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        let header = Array(bytes[8..<8 + length])
        guard case .object(let members) = try JSONValue.parse(header, source: url.path) else {
            throw Failure(.badData, url.path, "no header")
        }
        var tensors: [String: Tensor] = [:]
        for case (let name, .object(let member)) in members where name != "__metadata__" {
            guard case .array(let shape)? = member["shape"],
                case .array(let offsets)? = member["data_offsets"],
                case .integer(let start)? = offsets.first
            else { throw Failure(.badData, url.path, "no offsets") }
            let dimensions = shape.compactMap { extent -> Int? in
                guard case .integer(let integer) = extent else { return nil }
                return integer
            }
            let values = (0..<dimensions.reduce(1, *)).map { index in
                let place = 8 + length + start + index * 4
                let word = bytes[place..<place + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
                return Float(bitPattern: word)
            }
            tensors[name] = Tensor(shape: Shape(dimensions), values: values)
        }
        return tensors
    }

    @Test(
        arguments: [
            "tf/seqcls", "tf/seqcls_sharded", "tf/functional_mainlayer_h5", "h5/big_endian_f32",
            "h5/fixed_strings", "h5/gzip_shuffle", "h5/split_attributes",
        ]
    ) func `every layout of one model gives the tensors of its PyTorch twin`(
        name: String
    ) throws {
        let twin = try safetensors(folder.appending(path: "pt/seqcls/model.safetensors"))
        let model = try ModelFolder.open(folder.appending(path: name), requireHead: true)
        let parameters = try model.loadParameters().leaves
        #expect(parameters.count == twin.count)
        for (name, tensor) in parameters {
            let key = name.hasPrefix("classifier") ? name : "bert.\(name)"
            #expect(twin[key] == tensor, "\(name)")
        }
        _ = try model.loadVocabulary()
    }

    @Test func `half floats are the PyTorch twin's, rounded`() throws {
        let twin = try safetensors(folder.appending(path: "pt/seqcls/model.safetensors"))
        let model = try ModelFolder.open(folder.appending(path: "h5/float16"), requireHead: true)
        for (name, tensor) in try model.loadParameters().leaves {
            let key = name.hasPrefix("classifier") ? name : "bert.\(name)"
            #expect(twin[key]?.values.map { Float(Float16($0)) } == tensor.values, "\(name)")
        }
    }

    @Test func `a masked-language model is an encoder whose head is passed over`() throws {
        let url = folder.appending(path: "tf/mlm")
        let refused = try openingFailure(url)
        #expect(
            refused.reason
                == "the file has no sequence-classification head, only a masked-language-model head"
        )
        let model = try ModelFolder.open(url, requireHead: false)
        let expected = [
            "pooler.dense.weight", "pooler.dense.bias", "classifier.weight", "classifier.bias",
        ]
        #expect(model.report.absent == expected)
        let ignored = model.report.ignored.filter { $0.rule == "masked-language-model head" }
        #expect(ignored.count == 5)
        #expect(model.checkpoint.copies.count == 5)
        let parameters = try model.loadParameters()
        #expect(parameters.pooler == nil && parameters.classifier == nil)
        #expect(parameters.leaves.count == 53)
    }

    @Test func `one shard alone is no model`() throws {
        let shard = folder.appending(path: "tf/seqcls_sharded/tf_model-00001-of-00005.h5")
        let one = try failure { _ = try CheckpointSummary(inspecting: shard) }
        #expect(one.reason.contains("one shard of a model"))
    }

    @Test func `a real teacher loads, and its size is the published one`() throws {
        let url = folder.deletingLastPathComponent().appending(path: "teachers/minilm-sst2")
        let model = try ModelFolder.open(url, requireHead: true)
        let parameters = try model.loadParameters()
        #expect(parameters.leaves.reduce(0) { $0 + $1.leaf.values.count } == 22_713_986)
        let summary = try CheckpointSummary(inspecting: url)
        #expect(summary.parameters.withoutHead == 22_713_216)
        #expect(summary.parameters.withoutHead - summary.parameters.pooler == 22_565_376)
    }
}
