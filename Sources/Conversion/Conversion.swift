public import Bert
import Checkpoints
public import Diagnostics
public import Foundation
public import Tensors
import Tokenization

/// Carries out a plan: writes the whole folder, reads it back, and gives it its name.
public struct Conversion: Sendable {
    /// What was written.
    public struct Report: Sendable {
        /// For each canonical name what a shorter type cost, where it cost anything.
        public let narrowing: [(name: String, Narrowing)]
        /// For each canonical name how many values are NaN or infinite, where any are: they are
        /// written as they were read.
        public let nonFinite: [(name: String, count: Int)]
        /// The files of the output with their bytes, by name.
        public let files: [(name: String, byteCount: Int)]
    }

    let plan: ConversionPlan

    public init(_ plan: ConversionPlan) {
        self.plan = plan
    }

    /// Writes the folder, complete or not at all.
    ///
    /// - Parameters:
    ///   - command: the command line, for the model card.
    ///   - progress: called with the bytes of tensors written so far, from any thread.
    public func write(
        to url: URL,
        command: String? = nil,
        details: [(name: String, value: String)] = [],
        additionalFiles: [ModelFolder.File] = [],
        progress: @escaping @Sendable (_ byteCount: Int) -> Void = { _ in }
    ) throws(Failure) -> Report {
        try refuseSource(url)
        try plan.source.checkValues()
        var report: Report?
        try AtomicOutput.folder(url, force: plan.options.force) { (folder) throws(Failure) in
            let (narrowing, nonFinite) = try writeTensors(into: folder, progress)
            let files = try textFiles(command, details).map {
                ModelFolder.File(name: $0.name, bytes: $0.bytes)
            }
            for file in files + additionalFiles { try write(file.bytes, file.name, into: folder) }
            report = Report(
                narrowing: narrowing,
                nonFinite: nonFinite,
                files: try Self.listing(folder)
            )
        }
        guard let report else { preconditionFailure("a folder was written without a report") }
        return report
    }

    /// Refuses a destination that is the source or holds it: `force` would take it away.
    package func refuseSource(_ url: URL) throws(Failure) {
        let destination = url.standardizedFileURL.resolvingSymlinksInPath().path
        let source = plan.source.url.standardizedFileURL.resolvingSymlinksInPath().path
        guard source == destination || source.hasPrefix(destination + "/") else { return }
        throw Failure(
            .usage,
            url.relativePath,
            source == destination
                ? "this is the source itself" : "the source lies in this folder",
            remedy: "Choose another destination"
        )
    }

    /// Writes one file of weights after the other and reads each back.
    ///
    /// - Returns: for each canonical name what a shorter type cost and how many values are not
    ///   finite, where there is anything to say.
    private func writeTensors(
        into folder: URL,
        _ progress: @escaping @Sendable (Int) -> Void
    ) throws(Failure) -> (
        narrowing: [(name: String, Narrowing)], nonFinite: [(name: String, count: Int)]
    ) {
        var files: [String] = []
        for row in plan.rows where files.last != row.file && !files.contains(row.file) {
            files.append(row.file)
        }
        var narrowing: [(name: String, Narrowing)] = []
        var nonFinite: [(name: String, count: Int)] = []
        var written = 0
        for file in files {
            let rows = plan.rows.filter { $0.file == file }
            let url = folder.appending(path: file)
            let sink = try sink(url.path, rows.map(\.item.target), isShard: files.count > 1)
            let before = written
            let result = try TensorCopy.run(rows.map(\.item), to: sink) { progress(before + $0) }
            try sink.finish()
            written += rows.reduce(0) { $0 + $1.byteCount }
            try TensorCopy.verify(
                result,
                of: rows.map(\.item),
                in: Self.reopened(url, plan.options.format)
            )
            narrowing += rows.compactMap { row in
                result.narrowing[row.to].map { (row.canonicalName, $0) }
            }
            nonFinite += rows.compactMap { row in
                result.nonFinite[row.to].map { (row.canonicalName, $0) }
            }
        }
        try writeIndex(files, into: folder)
        return (narrowing, nonFinite)
    }

    private func sink(
        _ path: String,
        _ tensors: [TensorEntry],
        isShard: Bool
    ) throws(Failure) -> any TensorSink {
        switch plan.options.format {
        case .safetensors: return try SafetensorsWriter(creating: path, tensors: tensors)
        case .kerasHub, .kerasWeights:
            return try HDF5Sink(
                creating: path,
                tensors,
                compression: plan.options.compression
            )
        case .huggingFaceHDF5 where isShard && plan.options.shardByteCount != nil:
            return try HDF5Sink(
                creating: path,
                tensors,
                compression: plan.options.compression,
                attributes: [HDF5Attribute("", "layer_names", .list(tensors.map(\.name).sorted()))]
            )
        case .huggingFaceHDF5:
            guard let configuration = plan.configuration else {
                preconditionFailure("an unknown model is written as safetensors alone")
            }
            return try HDF5WeightsFile.create(
                at: path,
                HuggingFaceTensorFlow.layers(
                    configuration,
                    names: plan.rows.map(\.canonicalName)
                ),
                tensors,
                compression: plan.options.compression
            )
        }
    }

    private static func reopened(
        _ url: URL,
        _ format: ExportFormat
    ) throws(Failure) -> any TensorStore {
        switch format {
        case .safetensors: try SafetensorsStore(path: url.path)
        case .kerasHub, .kerasWeights, .huggingFaceHDF5: try HDF5ObjectsStore(path: url.path)
        }
    }

    /// The index of several files, in Hugging Face's form or in Keras'.
    private func writeIndex(_ files: [String], into folder: URL) throws(Failure) {
        let shards = files.filter { $0 != "task.weights.h5" }
        guard shards.count > 1 else { return }
        let rows = plan.rows.filter { $0.file != "task.weights.h5" }
        var map: [String: JSONValue] = [:]
        for row in rows {
            let name =
                switch plan.options.format {
                case .huggingFaceHDF5:
                    plan.configuration.map(HuggingFaceTensorFlow.modelName).map {
                        $0 + "/" + row.to
                    }
                        ?? row.to
                case .kerasHub, .kerasWeights:
                    "/" + row.to.split(separator: "/").dropLast().joined(separator: "/")
                case .safetensors: row.to
                }
            map[name] = .string(row.file)
        }
        let size = rows.reduce(0) { $0 + $1.byteCount }
        let index = JSONValue.object([
            "metadata": .object(["total_size": .integer(size)]),
            "weight_map": .object(map),
        ])
        let name =
            switch plan.options.format {
            case .safetensors: "model.safetensors.index.json"
            case .huggingFaceHDF5: "tf_model.h5.index.json"
            case .kerasHub, .kerasWeights: "model.weights.json"
            }
        try write(Array((index.text() + "\n").utf8), name, into: folder)
    }

    private func write(_ bytes: [UInt8], _ name: String, into folder: URL) throws(Failure) {
        let url = folder.appending(path: name)
        if name.contains("/") {
            do {
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(),
                    withIntermediateDirectories: true
                )
            } catch {
                throw Failure(.inputOutput, url.relativePath, "its folder cannot be created")
            }
        }
        try writeNewFile(bytes, to: url)
    }

    /// The files of a folder with their bytes, by name.
    package static func listing(_ folder: URL) throws(Failure) -> [(name: String, byteCount: Int)] {
        guard let names = try? FileManager.default.subpathsOfDirectory(atPath: folder.path) else {
            throw Failure(.inputOutput, folder.relativePath, "the folder cannot be listed")
        }
        return names.sorted().compactMap { name in
            let path = folder.appending(path: name).path
            guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
                attributes[.type] as? FileAttributeType == .typeRegular
            else { return nil }
            return (name, attributes[.size] as? Int ?? 0)
        }
    }
}

extension Checkpoint {
    /// Writes the model in another layout: the whole folder, complete or not at all.
    ///
    /// ```swift
    /// try Checkpoint.open(URL(filePath: "teacher"))
    ///     .write(to: URL(filePath: "teacher-pt"), ConversionOptions(format: .safetensors))
    /// ```
    ///
    /// - Throws: `Failure` when the layout cannot express the model, or writing fails.
    @discardableResult
    public func write(
        to url: URL,
        _ options: ConversionOptions
    ) throws(Failure) -> Conversion.Report {
        try Conversion(ConversionPlan(self, options)).write(to: url)
    }
}
