import ArgumentParser
import Datasets
import Diagnostics
import Foundation
import Kernels
import Tagging

struct TaggerTag: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tag",
        abstract: "Tag lines of text, or sentences of words.",
        discussion: """
            Reads a text a line, which it splits into words, or a file of words: CoNLL-U, columns, \
            word/TAG lines or JSON lines, whose own labels it does not look at. Writes a line of \
            word/TAG for each, or the columns of another format.

            Examples:
              echo "It isn't over." | bertkit tagger tag
              bertkit tagger tag texts.txt
              bertkit tagger tag words.conllu --model german.tagger --format conllu
            """
    )

    @OptionGroup var model: TaggerModelOption

    @Argument(
        help: "The file of texts or words; '-' is standard input, of texts.",
        completion: .file()
    )
    var file = "-"

    @Option(
        help: ArgumentHelp("The word's column, from 0 (default: the first).", valueName: "column")
    )
    var textColumn: Int?

    @OptionGroup var heading: HeadingOption

    @Option(
        help: "How to print the words: a sentence a line, or a word a line."
    )
    var format: TaggedForm = .tagged

    @OptionGroup(title: "Machine") var compute: ComputeOptions

    func validate() throws { try Limits.check("--text-column", textColumn, 0...1_000) }

    func run() throws {
        let lines = try TextLines(path: file, hasHeading: heading.header)
        let tagger = try model.load()
        let pool = WorkerPool(workerCount: compute.workerCount)
        guard let words = try wordFile() else { return try tagLines(lines, tagger, pool) }
        for start in stride(from: 0, to: words.count, by: Self.portion) {
            let stop = min(start + Self.portion, words.count)
            let first = words.offsets[start]
            let sentences = Array(words.words[first..<words.offsets[stop]])
            let offsets = words.offsets[start...stop].map { $0 - first }
            let tags = tagger.tags(of: sentences, offsets: offsets, pool: pool)
            var text = ""
            for (start, end) in zip(offsets, offsets.dropFirst()) {
                try format.append(
                    sentences[start..<end],
                    tags[start..<end],
                    from: file,
                    to: &text
                )
            }
            try StandardOutput.write(text)
        }
    }

    /// Sentences that are tagged together; fewer where more would have to be waited for.
    private static let portion = 4_096

    /// The file, where it is one of words; what comes through a pipe is read line by line.
    private func wordFile() throws -> WordFile? {
        let url = URL(filePath: file)
        let attributes = try? FileManager.default.attributesOfItem(atPath: url.path)
        guard file != "-", attributes?[.type] as? FileAttributeType == .typeRegular,
            textColumn != nil || LabelledFile.looksLikeWords(contentsOf: url)
        else {
            guard textColumn == nil else {
                throw Failure(
                    .usage,
                    file == "-" ? "standard input" : file,
                    "a column is chosen, and what is no file is read as lines of text"
                )
            }
            return nil
        }
        let columns = ColumnSelection(text: textColumn.map { .index($0) })
        return try WordFile(
            contentsOf: url,
            options: TaskFile.Options(columns: columns, labels: .ignored)
        )
    }

    private func tagLines(
        _ lines: consuming TextLines,
        _ tagger: PerceptronTagger,
        _ pool: WorkerPool
    ) throws {
        var lines = lines
        var count = 0
        while let portion = try lines.next(limit: Self.portion) {
            if count == 0 { heading.note(lines.heading, of: file) }
            // What comes before a line that cannot be tagged is tagged.
            let bad = portion.lines.firstIndex { $0.pair != nil }
            let texts = portion.lines[..<(bad ?? portion.lines.count)].map { line in
                TextWords(String(decoding: portion.bytes[line.text], as: UTF8.self))
            }
            var offsets = [0]
            for words in texts { offsets.append(offsets[offsets.count - 1] + words.count) }
            let tags = tagger.tags(of: texts.flatMap(\.strings), offsets: offsets, pool: pool)
            var text = ""
            for (index, words) in texts.enumerated() {
                try format.append(words, tags[offsets[index]..<offsets[index + 1]], to: &text)
            }
            try StandardOutput.write(text)
            count += texts.count
            if bad != nil {
                throw Failure(
                    .badData,
                    file == "-" ? "standard input" : file,
                    "line \(count + (lines.heading == nil ? 1 : 2)) has a tab: expected a text",
                    remedy:
                        "Give columns of words as a file, with an empty line behind each sentence"
                )
            }
        }
    }
}
