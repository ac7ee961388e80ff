import Augmentation
import Checkpoints
import Datasets
import Diagnostics
import Foundation
import Kernels
import Tagging

extension Augment {
    func run(_ run: ResolvedRun) throws {
        let outputURL = output.map { URL(filePath: $0) }
        if let outputURL { try AtomicOutput.check(outputURL, force: force) }
        let settings = variation.settings(methods)
        let tang = try settings.tang()
        let candidates = try settings.candidates()
        let remarks = Remarks(isQuiet: runOptions.quiet)
        let (source, file) = try texts()
        let iterations = self.iterations ?? (source.count > 100_000 ? 10 : 20)
        var run = run
        if method == nil { run.settle("method", ["tang"]) }
        run.settle("iterations", ["\(iterations)"])
        guard try runOptions.announce(run) else { return }
        remarks.note(file)

        let pool = WorkerPool(workerCount: compute.workers ?? WorkerPool.availableProcessors)
        let words = try SourceWords(
            source,
            tagger: TextWordTagger(variation.partOfSpeechTagger(settings, always: report)),
            pool: pool
        )
        let augmenter = try Augmenter(
            source,
            words,
            tang: tang,
            candidates: candidates,
            iterations: iterations,
            mask: variation.maskToken ?? "[MASK]",
            seed: seed
        )
        let judge = try teacher.map { path throws(Failure) in
            try AugmentationJudge(path, augmenter, pool: pool)
        }
        remarks.say(description(of: augmenter))
        if let tags = source.tagNames, words.areTagged,
            let other = tags.first(where: { PartOfSpeech(name: $0) == nil })
        {
            remarks.note(
                "\(printable(data)): '\(printable(other))' is no Universal part of speech; the "
                    + "\(tags.count) tags are taken as they are, and words are exchanged within each"
            )
        }
        let finder = try variation.finder(settings, pool: pool, remarks: remarks)
        if dryRun {
            return try StandardOutput.write(
                "Dry run: \(output.map { "\(printable($0)) is not" } ?? "nothing is") written.\n"
                    + "\(Numbers.count(source.count)) texts and at most "
                    + "\(Numbers.count(source.count * iterations)) variants of them, by "
                    + "\(methods.list)\n"
            )
        }

        if let preview {
            var printer = PreviewPrinter(augmenter, limit: preview)
            _ = try augmenter.run(
                0..<min(preview, source.count),
                pool: pool,
                finder: finder,
                into: &printer
            )
            try StandardOutput.write(printer.text)
            if printer.variants == 0 {
                remarks.note(
                    "no variant was made of \(source.count == 1 ? "this text" : "these texts"): they "
                        + "are too short, or the probabilities too small; --iterations tries more often"
                )
            }
        }
        guard output != nil || report else { return }
        let bar = ProgressBar(
            "augmenting",
            total: source.count,
            unit: "texts",
            isQuiet: runOptions.quiet
        )
        var sink = AugmentationSink(
            augmenter,
            keepsLabels: labels == .keep,
            counts: report,
            judge: judge,
            progress: bar
        )
        var dropped = DroppedVariants()
        if let outputURL {
            try sink.write(to: outputURL, force: force) { (sink) throws(Failure) in
                dropped = try augmenter.run(pool: pool, finder: finder, into: &sink)
            }
        } else {
            dropped = try augmenter.run(pool: pool, finder: finder, into: &sink)
        }
        bar.finish()
        remarks.say(
            "\(Numbers.count(sink.rows)) texts, \(Numbers.count(sink.variants)) variants; "
                + "\(Numbers.count(dropped.all)) of \(Numbers.count(sink.variants + dropped.all)) "
                + "dropped"
        )
        if let output { remarks.say("written: \(printable(output))") }
        if let counts = sink.report {
            let agreement = judge.map { $0.agreement(of: sink.sample, pool: pool) }
            try StandardOutput.write(
                ReportText(counts, dropped, agreement, augmenter).text
            )
        }
    }

    /// The texts of the file, whichever kind it is.
    private func texts() throws -> (SourceTexts, LabelledFile) {
        let file = try LabelledFile(
            contentsOf: URL(filePath: data),
            kind: nil,
            options: columns.readerOptions(labels: .partial)
        )
        switch file {
        case .texts(let texts): return (SourceTexts(texts), file)
        case .words(let words): return (try SourceTexts(words), file)
        }
    }

    private func description(of augmenter: Augmenter) -> String {
        let (source, words) = (augmenter.source, augmenter.words)
        var text =
            "\(printable(source.name)): \(Numbers.count(source.count)) "
            + "\(source.hasPairs ? "pairs" : "texts") of \(Numbers.count(words.wordCount)) words"
        if words.areTagged { text += " in \(words.classNames.count - 1) classes" }
        if let pool = augmenter.pool { text += ", \(Numbers.count(pool.count)) of them different" }
        return text
    }
}
