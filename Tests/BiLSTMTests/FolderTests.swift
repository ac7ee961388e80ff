import Bert
import BiLSTM
import Checkpoints
import Diagnostics
import Foundation
import Kernels
import Tensors
import Testing
import Tokenization

/// A BiLSTM's folder, written and read in both layouts.
@Suite struct FolderTests {
    private static let pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "film"]

    private func model(pairs: Bool = false) -> BiLSTMModel {
        let configuration = BiLSTMConfiguration(
            vocabularySize: Self.pieces.count,
            embeddingSize: 5,
            units: 3,
            hiddenSize: 4,
            readsPairs: pairs,
            dropout: 0.25,
            labels: ["no", "yes"],
            problemType: .classification
        )
        return BiLSTMModel(configuration, seed: 8)
    }

    private func inFolder(_ body: (URL) throws -> Void) throws {
        let url = FileManager.default.temporaryDirectory
            .appending(path: "bertkit-bilstm-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        try body(url)
    }

    private func write(_ model: BiLSTMModel, _ naming: BiLSTMNaming, to url: URL) throws {
        let vocabulary = try Vocabulary(pieces: Self.pieces)
        try BiLSTMFolder.write(
            model,
            naming: naming,
            tokenizerFiles: TokenizerFiles.files(
                vocabulary: vocabulary,
                configuration: TokenizerConfiguration(lowercase: true),
                maximumPositions: 64
            ).map { ModelFolder.File(name: $0.name, bytes: $0.bytes) },
            records: { [ModelFolder.File(name: "README.md", bytes: Array("\($0) bytes\n".utf8))] },
            to: url,
            force: false
        )
    }

    @Test(arguments: BiLSTMNaming.allCases, [false, true])
    func `what is written is read back, bit for bit`(_ naming: BiLSTMNaming, _ pairs: Bool) throws {
        try inFolder { folder in
            let (url, model) = (folder.appending(path: "m"), model(pairs: pairs))
            try write(model, naming, to: url)
            #expect(BiLSTMFolder.isOne(url))
            let opened = try BiLSTMFolder(contentsOf: url)
            #expect(opened.configuration == model.configuration)
            #expect(opened.naming == naming)
            let read = try opened.loadModel()
            for (mine, other) in zip(model.parameters, read.parameters) {
                #expect(mine.name == other.name && mine.tensor.isBitEqual(to: other.tensor))
            }
            #expect(try opened.loadVocabulary().pieces == Self.pieces)
            let card = try String(contentsOf: url.appending(path: "README.md"), encoding: .utf8)
            #expect(card == "\(opened.weightsByteCount) bytes\n")
        }
    }

    @Test func `the names and shapes are Keras' and PyTorch's`() throws {
        try inFolder { folder in
            let model = model()
            func shapes(_ naming: BiLSTMNaming) throws -> [String: Shape] {
                let url = folder.appending(path: naming.rawValue)
                try write(model, naming, to: url)
                return Dictionary(
                    uniqueKeysWithValues: try BiLSTMFolder(contentsOf: url).store.entries
                        .map { ($0.name, $0.shape) }
                )
            }
            let cell = "layers/bidirectional"
            let keras = try shapes(.keras)
            #expect(
                keras == [
                    "layers/embedding/vars/0": [7, 5],
                    "\(cell)/forward_layer/cell/vars/0": [5, 12],
                    "\(cell)/forward_layer/cell/vars/1": [3, 12],
                    "\(cell)/forward_layer/cell/vars/2": [12],
                    "\(cell)/backward_layer/cell/vars/0": [5, 12],
                    "\(cell)/backward_layer/cell/vars/1": [3, 12],
                    "\(cell)/backward_layer/cell/vars/2": [12],
                    "layers/dense/vars/0": [6, 4], "layers/dense/vars/1": [4],
                    "layers/dense_1/vars/0": [4, 2], "layers/dense_1/vars/1": [2],
                ]
            )
            let pyTorch = try shapes(.pyTorch)
            #expect(
                pyTorch == [
                    "embedding.weight": [7, 5],
                    "lstm.weight_ih_l0": [12, 5], "lstm.weight_hh_l0": [12, 3],
                    "lstm.bias_ih_l0": [12], "lstm.bias_hh_l0": [12],
                    "lstm.weight_ih_l0_reverse": [12, 5], "lstm.weight_hh_l0_reverse": [12, 3],
                    "lstm.bias_ih_l0_reverse": [12], "lstm.bias_hh_l0_reverse": [12],
                    "hidden.weight": [4, 6], "hidden.bias": [4],
                    "output.weight": [2, 4], "output.bias": [2],
                ]
            )
        }
    }

    @Test func `PyTorch's two biases are added`() throws {
        try inFolder { folder in
            let (url, model) = (folder.appending(path: "m"), model())
            try write(model, .pyTorch, to: url)
            let file = url.appending(path: "model.safetensors")
            let store = try SafetensorsStore(path: file.path)
            var tensors: [(name: String, tensor: Tensor)] = []
            for entry in store.entries {
                var tensor = try store.tensor(entry)
                if entry.name == "lstm.bias_hh_l0_reverse" {
                    for index in tensor.values.indices { tensor.values[index] = 0.5 }
                }
                tensors.append((entry.name, tensor))
            }
            try FileManager.default.removeItem(at: file)
            let changed = MemoryStore(source: "changed", tensors)
            let items = changed.entries.map { entry in
                TensorCopy.Item(
                    from: changed,
                    entry,
                    reading: .identity,
                    writing: .identity,
                    to: entry
                )
            }
            let writer = try SafetensorsWriter(creating: file.path, tensors: changed.entries)
            _ = try TensorCopy.run(items, to: writer)
            try writer.finish()
            let read = try BiLSTMFolder(contentsOf: url).loadModel()
            #expect(
                read.tensor("lstm.bias_l0_reverse").values
                    == model.tensor("lstm.bias_l0_reverse").values.map { $0 + 0.5 }
            )
            #expect(read.tensor("lstm.bias_l0").values == model.tensor("lstm.bias_l0").values)
        }
    }

    @Test func `what does not fit is refused, with everything that is wrong`() throws {
        try inFolder { folder in
            let url = folder.appending(path: "m")
            try write(model(), .keras, to: url)
            let file = url.appending(path: "config.json")
            let text = try String(contentsOf: file, encoding: .utf8)
            func refusal(_ old: String, _ new: String) throws -> String {
                try text.replacing(old, with: new).write(
                    to: file,
                    atomically: true,
                    encoding: .utf8
                )
                do {
                    let folder = try BiLSTMFolder(contentsOf: url)
                    _ = try folder.loadVocabulary()
                    return "not refused"
                } catch { return "\(error)" }
            }
            let units = try refusal("\"lstm_units\": 3", "\"lstm_units\": 4")
            #expect(units.contains("forward_layer/cell/vars/0 is [5, 12], must be [5, 16]"))
            #expect(units.contains("dense/vars/0 is [6, 4], must be [8, 4]"))
            #expect(try refusal("\"embedding_size\": 5,", "").contains("no \"embedding_size\""))
            let pairs = try refusal("\"sentence_pairs\": false", "\"sentence_pairs\": 1")
            #expect(pairs.contains("\"sentence_pairs\" must be true or false"))
            #expect(try refusal("{", "{") == "not refused")
            try "[PAD]\n[UNK]\n[CLS]\n[SEP]\n".write(
                to: url.appending(path: "vocab.txt"),
                atomically: true,
                encoding: .utf8
            )
            #expect(try refusal("{", "{").contains("the vocabulary has 4 pieces"))
        }
    }
}
