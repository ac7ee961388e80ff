import Checkpoints
public import Diagnostics
public import Foundation
public import Tensors

extension ModelFolder {
    /// A file to be put into a written folder.
    public struct File: Sendable {
        /// Its name, or a relative path with `/`.
        public let name: String
        public let bytes: [UInt8]

        public init(name: String, bytes: [UInt8]) {
            self.name = name
            self.bytes = bytes
        }

        /// A model card.
        public init(_ card: ModelCard) {
            self.init(name: "README.md", bytes: Array(card.text().utf8))
        }
    }

    /// Writes a folder that Hugging Face's TensorFlow class of the model and head loads, complete or not
    /// at all.
    ///
    /// The weights are read back and compared bit for bit before the folder gets its name. Equal
    /// input gives equal bytes.
    ///
    /// - Parameters:
    ///   - tokenizerFiles: `vocab.txt`, `tokenizer_config.json`, ….
    ///   - records: gives what is written last, `README.md` above all, for the size of the weights file in
    ///     bytes.
    ///   - force: whether a folder of that name may be replaced.
    ///   - additionalFiles: whatever else belongs to the run.
    /// - Precondition: the parameters are of the configuration's shapes, with the head's own; no name occurs twice or leaves the folder.
    public static func write(
        configuration: BertConfiguration,
        parameters: BertParameters<Tensor>,
        tokenizerFiles: [File],
        records: (_ weightsByteCount: Int) throws(Failure) -> [File],
        to url: URL,
        force: Bool,
        additionalFiles: [File] = []
    ) throws(Failure) {
        let tensors = try checked(parameters, configuration, url)
        let files =
            [File(name: "config.json", bytes: Array((configuration.json.text() + "\n").utf8))]
            + tokenizerFiles + additionalFiles
        precondition(Set(files.map(\.name)).count == files.count, "a file name twice")
        try AtomicOutput.folder(url, force: force) { (folder) throws(Failure) in
            let weights = folder.appending(path: "tf_model.h5")
            try HuggingFaceTensorFlow.write(tensors, configuration, to: weights)
            for file in files {
                try write(file, into: folder)
            }
            var status = stat()
            guard stat(weights.path, &status) == 0 else {
                throw Failure(.inputOutput, url.relativePath, "the written weights are gone")
            }
            for file in try records(Int(status.st_size)) { try write(file, into: folder) }
        }
    }

    /// The tensors by canonical name, none of them holding a value that is not finite.
    private static func checked(
        _ parameters: BertParameters<Tensor>,
        _ configuration: BertConfiguration,
        _ url: URL
    ) throws(Failure) -> [(name: String, tensor: Tensor)] {
        let leaves = parameters.leaves
        let specification = BertParameters<Shape>(configuration).leaves
        precondition(
            leaves.map(\.name) == specification.map(\.name)
                && leaves.map(\.leaf.shape) == specification.map(\.leaf),
            "the parameters are not of the configuration's shapes"
        )
        let bad = leaves.filter { $0.leaf.firstNonFiniteIndex != nil }.map(\.name)
        guard bad.isEmpty else {
            throw Failure(
                .diverged,
                url.relativePath,
                "not written: values that are not finite in \(bad.joined(separator: ", "))"
            )
        }
        return leaves.map { ($0.name, $0.leaf) }
    }

    package static func write(_ file: File, into folder: URL) throws(Failure) {
        let components = file.name.split(separator: "/", omittingEmptySubsequences: false)
        precondition(
            !components.contains { $0.isEmpty || $0 == "." || $0 == ".." },
            "\(file.name) leaves the folder"
        )
        let url = folder.appending(path: file.name)
        if components.count > 1 {
            do {
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(),
                    withIntermediateDirectories: true
                )
            } catch {
                throw Failure(.inputOutput, url.relativePath, "its folder cannot be created")
            }
        }
        try writeNewFile(file.bytes, to: url)
    }
}
