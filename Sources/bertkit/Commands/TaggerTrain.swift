import ArgumentParser
import Checkpoints
import Diagnostics
import Foundation
import Kernels
import Tagging

struct TaggerTrain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Train a tagger on tagged sentences.",
        discussion: """
            The sentences are CoNLL-U, columns of words and tags with an empty line behind each \
            sentence, or lines of word/TAG. The same data, seed and epochs give the same file.

            Examples:
              bertkit tagger train --train train.conllu --dev dev.conllu \\
                --output english.tagger
              bertkit tagger train --train tagged.txt --epochs 5 --output small.tagger
            """
    )

    @Option(
        help: ArgumentHelp("The sentences to learn from.", valueName: "file"),
        completion: .file()
    )
    var train: String

    @Option(
        help: ArgumentHelp(
            "Sentences that decide which epoch's weights are kept (default: the last's are).",
            valueName: "file"
        ),
        completion: .file()
    )
    var dev: String?

    @OptionGroup(title: "Columns") var columns: TagColumnOptions

    @Option(help: ArgumentHelp("Passes over the sentences.", valueName: "count"))
    var epochs = 8

    @Option(help: ArgumentHelp("Decides the order of the sentences.", valueName: "number"))
    var seed: UInt64 = 1

    @Option(
        help: ArgumentHelp("The file to write. It must not exist yet.", valueName: "file"),
        completion: .file()
    )
    var output: String

    @Flag(help: "Replace the output file if it exists.")
    var force = false

    @Flag(help: "Read the sentences, say what would be learnt and written, and stop.")
    var dryRun = false

    @Flag(help: "No progress and no remarks on standard error.")
    var quiet = false

    func validate() throws { try Limits.check("--epochs", epochs, 1...10_000) }

    func run() throws {
        let url = URL(filePath: output)
        try AtomicOutput.check(url, force: force)
        let sentences = try columns.read(train)
        let held = try dev.map { try columns.read($0) }
        if dryRun {
            return try StandardOutput.write(
                "Dry run: nothing is trained, and \(printable(output)) is not written.\n"
                    + "\(Numbers.count(epochs)) epochs over \(Numbers.count(sentences.count)) "
                    + "sentences of \(Numbers.count(sentences.words.count)) words"
                    + (held.map { ", measured on \(Numbers.count($0.count)) sentences" } ?? "")
                    + "\n"
            )
        }
        var training = try PerceptronTraining(sentences, seed: seed, name: train)
        let pool = WorkerPool()
        let remarks = Remarks(isQuiet: quiet)
        var best: (tagger: PerceptronTagger, epoch: Int, scores: TaggingScores?)?
        for epoch in 1...epochs {
            let label = "epoch \(epoch) of \(epochs)"
            let bar = ProgressBar(
                label,
                total: sentences.count,
                unit: "sentences",
                isQuiet: quiet
            )
            let errors = training.runEpoch { bar.update($0) }
            bar.cancel()
            let share = Double(errors) / Double(sentences.words.count)
            var line = "\(label): \(Numbers.percent(share)) of the words wrong on the way"
            if let held {
                let tagger = training.tagger()
                let scores = tagger.scores(on: held, pool: pool)
                line += ", \(Numbers.percent(scores.accuracy)) of the held ones right"
                if scores.accuracy > best?.scores?.accuracy ?? -1 {
                    best = (tagger, epoch, scores)
                }
            } else if epoch == epochs {
                best = (training.tagger(), epoch, nil)
            }
            remarks.say(line)
        }
        guard let best else { return }
        try best.tagger.write(to: url, force: force)
        try StandardOutput.write(summary(best.tagger, best.epoch, best.scores))
    }

    private func summary(
        _ tagger: PerceptronTagger,
        _ epoch: Int,
        _ scores: TaggingScores?
    ) -> String {
        var parts = [
            "\(Numbers.count(tagger.featureCount)) features",
            "\(Numbers.count(tagger.wordCount)) words", Numbers.bytes(tagger.fileBytes.count),
        ]
        if let scores {
            parts.append("\(Numbers.percent(scores.accuracy)) of the held words right")
        }
        return "\(printable(output)): epoch \(epoch), \(parts.joined(separator: ", "))\n"
    }
}
