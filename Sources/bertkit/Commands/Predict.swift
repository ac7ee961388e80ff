import ArgumentParser
import Bert
import Datasets
import Diagnostics
import Evaluation
import Foundation
import Kernels
import Tokenization

enum PredictionFormat: String, CaseIterable, ExpressibleByArgument { case tsv, jsonl }

struct Predict: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Label lines of text, or their words.",
        discussion: """
            Reads one text per line, or two with a tab between for a model of sentence pairs, \
            and writes one line for each: the label and every class's probability, or the score.

            A token classifier gets the words of each line, which spaces separate, or a file of words \
            as finetune reads them, whose labels it does not look at. It writes a line for each word, \
            the word and its label, and an empty line behind each sentence.

            Examples:
              echo "a film worth seeing" | bertkit predict --model student/
              bertkit predict --model student/ texts.txt --format jsonl
              bertkit predict --model student/ pairs.tsv --precision int8
            """
    )

    @Option(
        help: ArgumentHelp("The model folder.", valueName: "dir"),
        completion: .directory
    )
    var model: String

    @Argument(
        help: "The file of texts; '-' is standard input.",
        completion: .file()
    )
    var file = "-"

    @OptionGroup var heading: HeadingOption

    @Option(help: "How to print each result.")
    var format: PredictionFormat = .tsv

    @Option(
        help: ArgumentHelp(
            "The most lines answered together; fewer where more would have to be waited for.",
            valueName: "count"
        )
    )
    var batchSize = 256

    @OptionGroup(title: "Machine") var inference: InferenceOptions
    @OptionGroup(title: "Machine") var numbers: PrecisionOption

    func validate() throws { try Limits.check("--batch-size", batchSize, 1...65_536) }

    func run() throws {
        let lines = try TextLines(path: file, hasHeading: heading.header)
        let classifier = try SequenceClassifier(
            contentsOf: URL(filePath: model),
            answeringIn: numbers.precision
        )
        try classifier.model.checkRuns(in: numbers.precision)
        let maximumLength = try classifier.maximumLength(inference.maxLength)
        let pool = WorkerPool(workerCount: inference.compute.workerCount)
        let engine = classifier.model.inference(pool: pool, precision: numbers.precision)
        if !numbers.precision.isAvailable { Remarks().note(numbers.precision.explanation) }
        let classes: [String] =
            switch classifier.model.taskKind {
            case .classification(let labels): labels
            case .regression: []
            }
        if classifier.model.head == .tokenClassification {
            return try labelWords(
                WordLabeller(
                    classifier: classifier,
                    engine: engine,
                    maximumLength: maximumLength,
                    classes: classes,
                    format: format == .tsv ? .tabSeparated : .jsonLines
                ),
                lines
            )
        }
        try label(lines, classes, classifier, engine, maximumLength, pool)
    }

    private func label(
        _ lines: consuming TextLines,
        _ classes: [String],
        _ classifier: SequenceClassifier,
        _ engine: any SequenceInference,
        _ maximumLength: Int,
        _ pool: WorkerPool
    ) throws {
        var lines = lines
        let writer = PredictionText(format == .tsv ? .tabSeparated : .jsonLines, labels: classes)
        // Goes out with the first answers.
        var text = writer.heading
        var count = 0
        var truncated = 0
        while let portion = try lines.next(limit: batchSize) {
            if count == 0 { heading.note(lines.heading, of: file) }
            let first = count + (lines.heading == nil ? 1 : 2)
            // What comes before a line that cannot be answered is answered.
            let source = file == "-" ? "standard input" : file
            let bad = portion.lines.enumerated().lazy.compactMap { index, line -> Refusal? in
                do throws(Failure) {
                    try classifier.checkReads(
                        pairs: line.pair != nil,
                        from: "\(source), line \(first + index)"
                    )
                    return nil
                } catch {
                    return Refusal(index: index, failure: error)
                }
            }.first
            let answered = bad?.index ?? portion.lines.count
            let (batch, cut) = classifier.tokenizer.encode(
                answered,
                in: portion.bytes,
                maximumLength: maximumLength,
                workers: pool.workerCount
            ) { TextPlace(text: portion.lines[$0].text, pair: portion.lines[$0].pair) }
            let logits = engine.logits(batch)
            for row in 0..<answered {
                let width = logits.count / answered
                writer.append(logits[row * width..<(row + 1) * width], to: &text)
            }
            try StandardOutput.write(text)
            text = ""
            count += answered
            truncated += cut
            if let bad { throw bad.failure }
        }
        try StandardOutput.write(text)
        Remarks().noteTruncated(truncated, of: count, maximumLength: maximumLength, by: model)
    }

    /// A line that the model does not read.
    private struct Refusal {
        let index: Int
        let failure: Failure
    }
}
