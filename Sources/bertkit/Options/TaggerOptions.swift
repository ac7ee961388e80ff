import ArgumentParser
import Datasets
import Foundation
import Tagging

/// Which tagger tags.
struct TaggerModelOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The tagger's file (default: the tagger of English that is built in).",
            valueName: "file"
        ),
        completion: .file()
    )
    var model: String?

    func load() throws -> PerceptronTagger {
        guard let model else { return .english }
        return try PerceptronTagger(contentsOf: URL(filePath: model))
    }
}

/// Which columns of a file hold words and tags.
struct TagColumnOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The word's column, from 0 (default: the first).", valueName: "column")
    )
    var textColumn: Int?

    @Option(
        help: ArgumentHelp(
            "The column of the Universal tags (default: the last; of CoNLL-U UPOS).",
            valueName: "column"
        )
    )
    var labelColumn: Int?

    @Flag(help: "Leave out sentences with a line that cannot be read, instead of stopping.")
    var skipBadRows = false

    func validate() throws {
        try Limits.check("--text-column", textColumn, 0...1_000)
        try Limits.check("--label-column", labelColumn, 0...1_000)
    }

    func read(_ path: String) throws -> TaggedSentences {
        let file = try WordFile(
            contentsOf: URL(filePath: path),
            options: TaskFile.Options(
                columns: ColumnSelection(
                    text: textColumn.map { .index($0) },
                    label: labelColumn.map { .index($0) }
                ),
                skipBadRows: skipBadRows
            )
        )
        Remarks().note(.words(file))
        return try TaggedSentences(file)
    }
}
