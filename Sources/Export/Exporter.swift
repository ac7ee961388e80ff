public import Bert
import Checkpoints
import Conversion
public import Diagnostics
public import Foundation
import Tensors

/// Carries out a plan: writes everything, reads it back, and gives it its name.
public struct Exporter: Sendable {
    /// What was written.
    public struct Report: Sendable {
        /// The largest difference of a weight, as the file has it, from the checkpoint's; 0 where all bits
        /// are the same.
        public let largestDifference: Float
        /// How many values are NaN or infinite; they are written as they were read.
        public let nonFiniteCount: Int
        /// The files with their bytes; of a single file the name is empty.
        public fileprivate(set) var files: [(name: String, byteCount: Int)]
        /// How what was written answers the options' texts, output by output; empty where there are none.
        public let comparisons: [OutputComparison]
    }

    let plan: ExportPlan

    public init(_ plan: ExportPlan) {
        self.plan = plan
    }

    /// Writes the folder or the file, complete or not at all.
    ///
    /// - Parameters:
    ///   - additionalFiles: whatever else belongs into a folder.
    ///   - progress: called with the bytes of tensors written so far, from any thread.
    public func write(
        to url: URL,
        additionalFiles: [ModelFolder.File] = [],
        progress: @escaping @Sendable (_ byteCount: Int) -> Void = { _ in }
    ) throws(Failure) -> Report {
        let conversion = Conversion(plan.conversion)
        try conversion.refuseSource(url)
        if plan.options.format == .coreML, url.pathExtension != CoreMLPackage.pathExtension {
            throw Failure(
                .usage,
                url.relativePath,
                "the name of a package of Core ML's ends in .\(CoreMLPackage.pathExtension)"
            )
        }
        try plan.source.checkValues()
        var report: Report?
        switch plan.options.format {
        case .gguf:
            try AtomicOutput.file(url, force: plan.options.force) { (file) throws(Failure) in
                report = try writeWeights([file], progress)
            }
        case .onnx, .coreML:
            try AtomicOutput.folder(url, force: plan.options.force) { (folder) throws(Failure) in
                let paths = plan.files.map { folder.appending(path: $0.name) }
                for path in paths { try Self.makeFolder(path.deletingLastPathComponent()) }
                var written = try writeWeights(paths, progress)
                let texts = try textFiles(conversion) + additionalFiles.map { ($0.name, $0.bytes) }
                for (name, bytes) in texts {
                    try writeNewFile(bytes, to: folder.appending(path: name))
                    written.files.append((name, bytes.count))
                }
                report = written
            }
        }
        guard let report else { preconditionFailure("written without a report") }
        return report
    }

    private func writeWeights(
        _ urls: [URL],
        _ progress: @escaping @Sendable (Int) -> Void
    ) throws(Failure) -> Report {
        let sink = try PlacedFiles(zip(urls, plan.files).map { ($0.path, $1.layout) })
        let writing = WeightWriting(source: plan.source, tensors: plan.tensors)
        let result = try writing.run(to: sink, progress: progress)
        try sink.finish()
        let store =
            switch plan.options.format {
            case .onnx: try ONNXReader.open(urls[0])
            case .gguf: try GGUFReader.open(urls[0])
            case .coreML: try CoreMLReader.open(urls[0])
            }
        try writing.verify(result, in: store)
        return Report(
            largestDifference: result.largestDifference,
            nonFiniteCount: result.nonFiniteCount,
            files: plan.files.map { ($0.name, $0.layout.byteCount) },
            comparisons: try plan.options.texts.map { (texts) throws(Failure) in
                try OutputTrial(plan).run(urls[0], store, on: texts)
            } ?? []
        )
    }

    private static func makeFolder(_ url: URL) throws(Failure) {
        do {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        } catch {
            throw Failure(.cannotCreate, url.path, "the folder cannot be created")
        }
    }

    /// The configuration and the tokenizer's files, beside the model as optimum puts them; a package has
    /// nothing but its manifest.
    private func textFiles(
        _ conversion: Conversion
    ) throws(Failure) -> [(name: String, bytes: [UInt8])] {
        guard plan.options.format == .onnx else {
            return [(CoreMLPackage.manifestName, Array(CoreMLPackage.manifest.utf8))]
        }
        let type: ElementType = plan.options.weights == .float16 ? .float16 : .float32
        let configuration = plan.configuration.json(elementType: type).text() + "\n"
        return [("config.json", Array(configuration.utf8))] + (try conversion.tokenizerFiles())
    }
}
