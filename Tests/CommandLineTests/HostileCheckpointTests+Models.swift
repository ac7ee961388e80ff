import Checkpoints
import Foundation
import TestSupport
import Testing

/// Indexes, tensors and configurations.
extension HostileCheckpointTests {
    private static let weights = "model/model.safetensors"

    static let indexes: [Case] = [
        ("safetensors_sharded", "model.safetensors.index.json"),
        ("bin_sharded", "pytorch_model.bin.index.json"), ("tf_sharded", "tf_model.h5.index.json"),
        ("keras_classifier_sharded", "model.weights.json"),
    ].flatMap { layout, index in
        ["../up", "/etc/passwd", "..", ""].map { shard in
            Case("\(index): the shard \"\(shard)\"", layout, index, "is not the name of a file") {
                try $0.edit("model/\(index)") { members in
                    guard case .object(var map)? = members["weight_map"], let key = map.keys.min()
                    else { return }
                    map[key] = .string(shard)
                    members["weight_map"] = .object(map)
                }
            }
        } + [
            Case("\(index): a shard that is missing", layout, "gone.x", code: 66) {
                try $0.edit("model/\(index)") { members in
                    guard case .object(var map)? = members["weight_map"], let key = map.keys.min()
                    else { return }
                    map[key] = .string("gone.x")
                    members["weight_map"] = .object(map)
                }
            },
            Case("\(index): a tensor that is in no shard", layout, index, "nowhere") {
                try $0.edit("model/\(index)") { members in
                    guard case .object(var map)? = members["weight_map"], let key = map.keys.min()
                    else { return }
                    map[key.hasPrefix("/") ? "/nowhere/vars" : "nowhere"] = map[key]
                    members["weight_map"] = .object(map)
                }
            },
            Case("\(index): no JSON", layout, index) {
                try $0.write("{\"weight_map\":", "model/\(index)")
            },
            Case("\(index): no map", layout, index, "weight_map") {
                try $0.write("{}", "model/\(index)")
            },
            Case("\(index): an empty map", layout, index, "weight_map") {
                try $0.write("{\"weight_map\": {}}", "model/\(index)")
            },
        ]
    }

    static let tensors: [Case] = [
        Case("overlapping ranges", "safetensors", "inside the tensor before it") {
            try $0.editSafetensors(weights) { header, _ in
                header["odd"] = header["classifier.bias"]
            }
        },
        Case("a key twice", "safetensors", "the key \"a\" a second time") {
            let entry = #"{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#
            let header = Array(#"{"a":\#(entry),"a":\#(entry)}"#.utf8)
            try $0.write(littleEndian(header.count, 8) + header + [0, 0, 0, 0], weights)
        },
        Case("a name that is not UTF-8", "safetensors", "not UTF-8") {
            var bytes = try $0.bytes(weights)
            bytes[12] = 0xFF
            try $0.write(bytes, weights)
        },
        Case("a shape that its bytes are not", "safetensors", "takes 16 bytes") {
            try $0.editSafetensors(weights) { header, _ in
                guard case .object(var entry)? = header["classifier.bias"] else { return }
                entry["shape"] = .array([.integer(4)])
                header["classifier.bias"] = .object(entry)
            }
        },
        Case("a parameter claimed twice", "safetensors", "claim to be", "classifier.weight") {
            try $0.addTensor("module.classifier.weight", [3, 12], to: weights)
        },
        Case(
            "integers where floats belong",
            "safetensors",
            "classifier.bias",
            "i64",
            isInspected: true
        ) {
            try $0.editSafetensors(weights) { header, _ in header["classifier.bias"] = nil }
            // The hole that is left is filled by nobody: write the file anew without it.
            try $0.rebuild(weights)
            try $0.addTensor("classifier.bias", [3], type: "I64", to: weights)
        },
        Case(
            "tied copies that differ",
            "safetensors_masked_lm",
            "not equal to the tensors they are tied to: cls.predictions.decoder.weight",
            isInspected: true
        ) { try $0.addTensor("cls.predictions.decoder.weight", [41, 12], to: weights) },
        Case("a matrix without dimensions", "safetensors", "classifier.weight", isInspected: true) {
            try $0.editSafetensors(weights) { header, _ in header["classifier.weight"] = nil }
            try $0.rebuild(weights)
            try $0.addTensor("classifier.weight", [], to: weights)
        },
        Case("two files in a folder", "safetensors", "several weight files: a.bin, b.h5", code: 66)
        {
            try $0.remove(weights)
            try $0.write("a", "model/a.bin")
            try $0.write("b", "model/b.h5")
        },
        Case("a folder without weights", "safetensors", "the folder has no weights", code: 66) {
            try $0.remove(weights)
        },
    ]

    private static func configured(
        _ layout: String = "safetensors",
        _ change: @escaping @Sendable (inout [String: JSONValue]) -> Void
    ) -> @Sendable (Workbench) throws -> Void {
        { try $0.edit("model/config.json", change) }
    }

    static let configurations: [Case] = [
        Case(
            "another hidden size",
            "safetensors",
            "must be [41, 24]",
            isInspected: true,
            prepare: configured { $0["hidden_size"] = .integer(24) }
        ),
        Case(
            "more layers",
            "safetensors",
            "16 missing: encoder.layer.2.",
            isInspected: true,
            prepare: configured { $0["num_hidden_layers"] = .integer(3) }
        ),
        Case(
            "a thousand layers",
            "safetensors",
            " more",
            isInspected: true,
            prepare: configured { $0["num_hidden_layers"] = .integer(1000) }
        ),
        Case(
            "labels that are not the outputs",
            "safetensors",
            "classifier.weight is [3, 12]",
            isInspected: true,
            prepare: configured {
                $0["id2label"] = .object(["0": .string("no"), "1": .string("yes")])
                $0["label2id"] = nil
            }
        ),
        Case(
            "another model type",
            "safetensors",
            "config.json: the configuration contradicts the tensors",
            "the names of bert",
            isInspected: true,
            prepare: configured {
                $0["model_type"] = .string("electra")
                $0["embedding_size"] = .integer(12)
            }
        ),
        Case(
            "a DistilBERT that says it is a BERT",
            "distilbert",
            "the names of distilbert",
            isInspected: true,
            prepare: {
                let bert = try $0.bytes("good/config.json")
                try $0.write(bert, "model/config.json")
            }
        ),
        Case(
            "another number of heads than the tensors are split into",
            "keras_backbone",
            "it has 4 attention heads, and ",
            "is split into 3",
            isInspected: true,
            prepare: {
                try $0.edit("model/config.json") {
                    guard case .object(var config)? = $0["config"] else { return }
                    config["num_heads"] = .integer(4)
                    $0["config"] = .object(config)
                }
            }
        ),
        Case(
            "a configuration that is cut short",
            "safetensors",
            "config.json: ",
            isInspected: true,
            prepare: {
                let bytes = try $0.bytes("model/config.json")
                try $0.write(Array(bytes.prefix(100)), "model/config.json")
            }
        ),
    ]
}

extension Workbench {
    /// Writes a safetensors file again with the data its header names, and no other.
    func rebuild(_ name: String) throws {
        try editSafetensors(name) { header, data in
            var (kept, end): ([UInt8], Int) = ([], 0)
            func start(_ value: JSONValue) -> (start: Int, end: Int)? {
                guard case .object(let entry) = value,
                    case .array(let offsets)? = entry["data_offsets"], offsets.count == 2,
                    case .integer(let start) = offsets[0], case .integer(let end) = offsets[1]
                else { return nil }
                return (start, end)
            }
            let sorted = header.filter { start($0.value) != nil }
                .sorted { start($0.value)!.start < start($1.value)!.start }
            for (key, value) in sorted {
                guard let range = start(value), case .object(var entry) = value else { continue }
                kept += data[range.start..<range.end]
                let place = end
                end += range.end - range.start
                entry["data_offsets"] = .array([.integer(place), .integer(end)])
                header[key] = .object(entry)
            }
            data = kept
        }
    }
}
