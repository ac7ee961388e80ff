import Augmentation
import Checkpoints
import Diagnostics
import Foundation

/// Writes rows and variants to a file, counts them, and keeps a sample for a teacher.
struct AugmentationSink: VariantReceiver {
    private(set) var rows = 0
    private(set) var variants = 0
    private(set) var report: AugmentationReport?
    private(set) var sample = VariantSample()
    private let augmenter: Augmenter
    private let keepsLabels: Bool
    private let sampled: Set<Int>
    private let progress: ProgressBar
    private var output: (lines: VariantLines, file: OutputFile)?
    private var pending: [UInt8] = []
    private var written = 0

    private static let bufferSize = 1 << 20

    init(
        _ augmenter: Augmenter,
        keepsLabels: Bool,
        counts: Bool,
        judge: AugmentationJudge?,
        progress: ProgressBar
    ) {
        self.augmenter = augmenter
        self.keepsLabels = keepsLabels
        self.progress = progress
        report = counts ? AugmentationReport(augmenter) : nil
        sampled = judge?.rows ?? []
    }

    /// Writes the file that is made meanwhile.
    mutating func write(
        to url: URL,
        force: Bool,
        _ body: (inout AugmentationSink) throws(Failure) -> Void
    ) throws(Failure) {
        let ending = url.pathExtension.lowercased()
        let isJSON = ["jsonl", "ndjson", "json"].contains(ending)
        let lines = VariantLines(
            augmenter.source,
            format: isJSON ? .jsonLines : .tabSeparated,
            keepsLabels: keepsLabels
        )
        var sink = self
        try AtomicOutput.file(url, force: force) { (temporary) throws(Failure) in
            let file = try OutputFile(creating: temporary.path)
            sink.output = (lines, file)
            sink.pending = lines.heading
            try body(&sink)
            try sink.flush()
            try file.close()
        }
        self = sink
    }

    mutating func original(_ row: Int) throws(Failure) {
        rows += 1
        report?.count(row: row)
        if sampled.contains(row) { sample.add(row: row, of: augmenter.source) }
        progress.update(rows)
        guard let output else { return }
        try output.lines.append(row: row, to: &pending)
        if pending.count >= Self.bufferSize { try flush() }
    }

    mutating func variant(_ variant: Variant, in block: VariantBlock) throws(Failure) {
        variants += 1
        report?.count(variant, in: block)
        if sampled.contains(variant.row) { sample.add(variant, in: block) }
        guard let output else { return }
        output.lines.append(variant, in: block, to: &pending)
        if pending.count >= Self.bufferSize { try flush() }
    }

    private mutating func flush() throws(Failure) {
        guard let output, !pending.isEmpty else { return }
        try output.file.write(pending, at: written)
        written += pending.count
        pending.removeAll(keepingCapacity: true)
    }
}
