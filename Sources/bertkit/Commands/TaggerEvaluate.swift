import ArgumentParser
import Diagnostics
import Foundation
import Kernels
import Tagging

struct TaggerEvaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure a tagger on tagged sentences.",
        discussion: """
            The share of right tags, also apart for words that training has never seen; each part of \
            speech's precision, recall and F1; and words a second on one processor.

            Examples:
              bertkit tagger evaluate --data test.conllu
              bertkit tagger evaluate --data test.conllu --model small.tagger --format json
            """
    )

    @OptionGroup var model: TaggerModelOption

    @Option(
        help: ArgumentHelp(
            "The tagged sentences, as CoNLL-U, columns or word/TAG lines.",
            valueName: "file"
        ),
        completion: .file()
    )
    var data: String

    @OptionGroup(title: "Columns") var columns: TagColumnOptions

    @Option(help: "How to print the result.")
    var format: ReportFormat = .text

    func run() throws {
        let sentences = try columns.read(data)
        let tagger = try model.load()
        let pool = WorkerPool(workerCount: 1)
        let report = TaggerReport(
            scores: tagger.scores(on: sentences, pool: pool),
            sentenceCount: sentences.count,
            wordsPerSecond: Self.speed(of: tagger, on: sentences, pool)
        )
        switch format {
        case .text: try StandardOutput.write(report.text(of: data))
        case .json: try StandardOutput.write(json: report)
        }
    }

    /// Words a second: the fastest of at least three passes over the data that take half a second.
    private static func speed(
        of tagger: PerceptronTagger,
        on sentences: TaggedSentences,
        _ pool: WorkerPool
    ) -> Double {
        let clock = ContinuousClock()
        var (passes, best, spent) = (0, Duration.seconds(1e9), Duration.zero)
        while passes < 3 || spent < .milliseconds(500) {
            let taken = clock.measure {
                _ = tagger.tags(of: sentences.words, offsets: sentences.offsets, pool: pool)
            }
            passes += 1
            spent += taken
            best = min(best, taken)
        }
        return Double(sentences.words.count) / (best / .seconds(1))
    }
}

extension PerceptronTagger {
    /// How far its tags agree with those of sentences.
    func scores(on sentences: TaggedSentences, pool: WorkerPool) -> TaggingScores {
        TaggingScores(
            given: tags(of: sentences.words, offsets: sentences.offsets, pool: pool),
            right: sentences.tags,
            isKnown: sentences.words.map { knows($0) }
        )
    }
}
