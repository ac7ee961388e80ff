import Bert
import Checkpoints
import Foundation
import Tensors

/// A folder with a small teacher and labelled texts, and command lines run on it.
///
/// In a command line `@` stands for the folder: `--train @train.tsv`.
struct Workbench {
    let folder: URL

    /// Lends a folder that holds `teacher/`, `vocab.txt`, `train.tsv` and `dev.tsv`.
    static func temporary(_ body: (Workbench) throws -> Void) throws {
        try Folder.temporary { folder in
            let bench = Workbench(folder: folder)
            try SmallModel().write(to: bench["teacher"])
            try FileManager.default.copyItem(at: bench["teacher/vocab.txt"], to: bench["vocab.txt"])
            try bench.write(SmallModel.taskFile(labels: ["positive", "negative"]), "train.tsv")
            try bench.write(
                SmallModel.taskFile(labels: ["positive", "negative", "negative"]),
                "dev.tsv"
            )
            try body(bench)
        }
    }

    subscript(_ name: String) -> URL { folder.appending(path: name) }

    func run(_ line: String) throws -> Outcome { try Command.run(arguments(line)) }

    func arguments(_ line: String) -> [String] {
        line.split(whereSeparator: \.isWhitespace)
            .map { String($0).replacing("@", with: folder.path + "/") }
    }

    func write(_ text: String, _ name: String) throws { try write(Array(text.utf8), name) }

    func write(_ bytes: [UInt8], _ name: String) throws { try Data(bytes).write(to: self[name]) }

    func text(_ name: String) throws -> String {
        try String(contentsOf: self[name], encoding: .utf8)
    }

    func bytes(_ name: String) throws -> [UInt8] { try [UInt8](Data(contentsOf: self[name])) }

    func remove(_ name: String) throws { try FileManager.default.removeItem(at: self[name]) }

    func replace(_ old: String, with new: String, in name: String) throws {
        try write(try text(name).replacing(old, with: new), name)
    }

    func names(in name: String = "") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: self[name].path)
            // The name of an event file has the time in it.
            .map { $0.replacing(/tfevents\.[0-9]+\.bertkit/, with: "tfevents") }.sorted()
    }

    /// Every file with its content.
    func snapshot() throws -> [String: Data] {
        var files: [String: Data] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder.path) {
            files[name] = (try? Data(contentsOf: self[name])) ?? Data()
        }
        return files
    }

    /// Writes a model's weights again, changed, and without the classifier if so wished.
    func rewriteWeights(
        of model: String,
        isHeadless: Bool = false,
        _ change: (_ name: String, _ values: inout [Float]) -> Void = { _, _ in }
    ) throws {
        let opened = try ModelFolder.open(self[model], requireHead: true)
        let parameters = try opened.loadParameters()
        var tensors: [(name: String, tensor: Tensor)] = []
        for (name, leaf) in parameters.leaves
        where !isHeadless || !name.hasPrefix("classifier.") {
            var tensor = leaf
            change(name, &tensor.values)
            tensors.append((name, tensor))
        }
        try remove("\(model)/tf_model.h5")
        try HuggingFaceTensorFlow.write(
            tensors,
            opened.configuration,
            to: self["\(model)/tf_model.h5"]
        )
    }
}
