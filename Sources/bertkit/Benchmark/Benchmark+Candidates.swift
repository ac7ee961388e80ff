import ArgumentParser
import Augmentation
import Bert
import Datasets
import Diagnostics
import Foundation
import Kernels

/// How fast words get candidates by a masked language model.
extension Benchmark {
    func measureCandidates() throws {
        guard let data else { throw ValidationError("'--measure candidates' needs texts") }
        let remarks = Remarks(isQuiet: runOptions.quiet)
        let opened = try MaskedLanguageModel(contentsOf: URL(filePath: model))
        let texts = try TaskFile(
            contentsOf: URL(filePath: data),
            options: columns.readerOptions(labels: .ifPresent)
        )
        remarks.note(.texts(texts))
        let sentences = (0..<texts.count).map { row in
            CandidateSentence(
                words: texts.text(row).split(whereSeparator: \.isWhitespace).map(String.init),
                excluding: StopWords.english
            )
        }
        let workers = inference.compute.workerCount
        let pool = WorkerPool(workerCount: workers)
        let finders = try MaskedCandidates.Context.allCases.map { context in
            var options = MaskedCandidates.Options()
            options.context = context
            options.maximumLength = inference.maxLength
            return try MaskedCandidates(
                opened,
                options: options,
                pool: pool,
                precision: numbers.precision
            )
        }
        // A few sentences first, to warm up.
        for finder in finders { _ = finder.candidates(for: Array(sentences.prefix(32))) }
        var seconds = finders.map { _ in [Double]() }
        var words = 0
        for _ in 0..<rounds {
            for (index, finder) in finders.enumerated() {
                let start = now()
                let found = finder.candidates(for: sentences)
                seconds[index].append(now() - start)
                words = found.reduce(0) { $0 + $1.count { !$0.isEmpty } }
            }
        }
        let report = CandidatesReport(
            machine: Machine(workers: workers, numbers.precision),
            rounds: rounds,
            sentences: sentences.count,
            words: words,
            contexts: Dictionary(
                uniqueKeysWithValues: zip(finders, seconds).map { finder, seconds in
                    (
                        finder.options.context.rawValue,
                        CandidatesReport.Rate(
                            wordsPerS: Double(words) / median(seconds),
                            allSeconds: seconds
                        )
                    )
                }
            ),
            peakMemoryBytes: Machine.peakMemory
        )
        switch format {
        case .text: try StandardOutput.write(report.text)
        case .json: try StandardOutput.write(report.json())
        }
    }
}

/// What a measurement of candidates found.
struct CandidatesReport: Encodable {
    struct Rate: Encodable {
        let wordsPerS: Double
        /// Each round's.
        let allSeconds: [Double]
    }

    var bertkit = Tool.version
    let machine: Machine
    let rounds: Int
    let sentences: Int
    /// Words that got candidates.
    let words: Int
    /// By what the model reads beside the masked sentence.
    let contexts: [String: Rate]
    let peakMemoryBytes: Int?

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }

    var text: String {
        var table = TextTable([
            TextTable.Column("median of \(rounds)"), TextTable.Column("words/s", .right),
        ])
        for (name, title) in [("pair", "masked sentence and original"), ("none", "masked alone")] {
            guard let rate = contexts[name] else { continue }
            table.append([title, Numbers.fixed(rate.wordsPerS, 0)])
        }
        return
            "\(Numbers.count(words)) words of one piece in \(Numbers.count(sentences)) sentences, "
            + "\(machine.workers) workers, \(printable(machine.matrixLibrary))\n\n" + table.plain
    }
}
