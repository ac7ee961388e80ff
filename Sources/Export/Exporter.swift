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
        public let files: [(name: String, byteCount: Int)]
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
        try plan.source.checkValues()
        var report: Report?
        switch plan.options.format {
        case .gguf:
            try AtomicOutput.file(url, force: plan.options.force) { (file) throws(Failure) in
                let result = try writeWeights([file], progress)
                report = Report(
                    largestDifference: result.largestDifference,
                    nonFiniteCount: result.nonFiniteCount,
                    files: [("", plan.byteCount)]
                )
            }
        case .onnx:
            try AtomicOutput.folder(url, force: plan.options.force) { (folder) throws(Failure) in
                let paths = plan.files.map { folder.appending(path: $0.name) }
                let result = try writeWeights(paths, progress)
                var files: [(name: String, byteCount: Int)] = plan.files.map {
                    ($0.name, $0.layout.byteCount)
                }
                let texts = try textFiles(conversion) + additionalFiles.map { ($0.name, $0.bytes) }
                for (name, bytes) in texts {
                    try writeNewFile(bytes, to: folder.appending(path: name))
                    files.append((name, bytes.count))
                }
                report = Report(
                    largestDifference: result.largestDifference,
                    nonFiniteCount: result.nonFiniteCount,
                    files: files
                )
            }
        }
        guard let report else { preconditionFailure("written without a report") }
        return report
    }

    private func writeWeights(
        _ urls: [URL],
        _ progress: @escaping @Sendable (Int) -> Void
    ) throws(Failure) -> WeightWriting.Result {
        let sink = try PlacedFiles(zip(urls, plan.files).map { ($0.path, $1.layout) })
        let writing = WeightWriting(source: plan.source, tensors: plan.tensors)
        let result = try writing.run(to: sink, progress: progress)
        try sink.finish()
        let store =
            switch plan.options.format {
            case .onnx: try ONNXReader.open(urls[0])
            case .gguf: try GGUFReader.open(urls[0])
            }
        try writing.verify(result, in: store)
        return result
    }

    /// The configuration and the tokenizer's files, beside the model as optimum puts them.
    private func textFiles(
        _ conversion: Conversion
    ) throws(Failure) -> [(name: String, bytes: [UInt8])] {
        let type: ElementType = plan.options.weights == .float16 ? .float16 : .float32
        let configuration = plan.configuration.json(elementType: type).text() + "\n"
        return [("config.json", Array(configuration.utf8))] + (try conversion.tokenizerFiles())
    }
}
