import ArgumentParser
import Datasets

enum TaskChoice: String, CaseIterable, ExpressibleByArgument {
    case classification
    case tokenClassification = "token-classification"
    case regression
}

/// Which columns of a task file hold what.
struct ColumnOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The text's column, by name or by number from 0 (default: found by its name); of labelled "
                + "words the word's (default: the first).",
            valueName: "column"
        )
    )
    var textColumn: String?

    @Option(
        help: ArgumentHelp(
            "The second text's column, for sentence pairs (default: found by its name).",
            valueName: "column"
        )
    )
    var textPairColumn: String?

    @Option(
        help: ArgumentHelp(
            "The label's or score's column (default: found by its name; of labelled words the last).",
            valueName: "column"
        )
    )
    var labelColumn: String?

    @Flag(
        inversion: .prefixedNo,
        help: "Whether a TSV file's first row names its columns (default: decided by its content)."
    )
    var header: Bool?

    @Flag(help: "Leave out rows that cannot be read, and count them, instead of stopping.")
    var skipBadRows = false

    /// What the library's reader is told.
    func readerOptions(labels: TaskFile.LabelUse = .required) -> TaskFile.Options {
        TaskFile.Options(
            columns: ColumnSelection(
                text: textColumn.map(ColumnSelection.Column.init),
                textPair: textPairColumn.map(ColumnSelection.Column.init),
                label: labelColumn.map(ColumnSelection.Column.init),
                header: header.map { $0 ? .present : .absent } ?? .automatic
            ),
            labels: labels,
            skipBadRows: skipBadRows
        )
    }

    func validate() throws {
        if textPairColumn != nil, textColumn == nil {
            throw ValidationError("'--text-pair-column' needs '--text-column' beside it")
        }
    }
}

/// What is learnt, and from which files.
struct TrainingDataOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The training examples, as TSV or JSON lines, or labelled words: CoNLL columns, CoNLL-U, "
                + "word/TAG lines or JSON lines with arrays.",
            valueName: "file"
        ),
        completion: .file()
    )
    var train: String

    @Option(
        help: ArgumentHelp("The examples that decide which weights are kept.", valueName: "file"),
        completion: .file()
    )
    var dev: String

    @OptionGroup var columns: ColumnOptions
}

/// The task, where no model says it.
struct TaskOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What is learnt: a text's class, the class of each of its words, or a score (default: "
                + "token-classification where the model or the training file is of that kind, else "
                + "classification)."
        )
    )
    var task: TaskChoice?

    @Option(
        help: ArgumentHelp(
            "The classes in the order of the model's outputs (default: the labels found in the "
                + "training file, sorted).",
            valueName: "label,…"
        )
    )
    var labels: NameList?

    func validate() throws {
        guard let labels else { return }
        if task == .regression {
            throw ValidationError("'--labels' names classes, but the task is regression")
        }
        if labels.names.count < 2 || Set(labels.names).count < labels.names.count {
            throw ValidationError("'--labels' needs at least two labels, each named once")
        }
    }
}
