import ArgumentParser

struct Distill: RunFileCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a small student to answer like a teacher.",
        discussion: """
            A recipe says what the student is to match, in stages: the teacher's softened \
            answers ('logits'); a masked language model's words and last hidden states on plain \
            text ('distilbert'); its embeddings, hidden states and attention before them \
            ('tinybert'); first tokens of all layers beside them ('pkd'); attention and value \
            relations of the last layer ('minilm'), or relations among queries, among keys and \
            among values ('minilmv2'), before them. A YAML file may compose others: \
            recipe.yaml, beside every student, is one.

            Example:
              bertkit distill --teacher teacher/ --init teacher-layers --layers 3 \\
                --train train.tsv --dev dev.tsv --output student/
              bertkit distill --recipe distilbert --teacher encoder/ --init teacher-layers \
                --layers 3 --text text.txt --output general/
            """
    )

    @OptionGroup(title: "Teacher") var teacher: TeacherOptions
    @OptionGroup(title: "Data") var data: DistillationDataOptions
    @OptionGroup(title: "Student") var student: StudentOptions
    @OptionGroup(title: "Recipe") var recipe: RecipeOptions
    @OptionGroup(title: "Training") var stages: StageOptions
    @OptionGroup(title: "Training") var training: TrainingOptions
    @OptionGroup(title: "Output") var output: OutputOptions
    @OptionGroup(title: "Machine") var compute: ComputeOptions
    @OptionGroup(title: "Run") var runOptions: RunOptions

    func checkTogether() throws {
        if (data.train == nil) != (data.dev == nil) {
            throw ValidationError("'--train' and '--dev' are given together, or neither")
        }
        if data.train == nil, recipe.text == nil {
            throw ValidationError(
                "Give '--train' and '--dev', or '--text' for a recipe that reads it"
            )
        }
        switch student.`init` {
        case .random:
            guard student.shape.missing.isEmpty else {
                let names = student.shape.missing.map { "'\($0)'" }.joined(separator: ", ")
                throw ValidationError("A student from random weights needs its sizes: add \(names)")
            }
        case .teacherLayers(nil):
            guard student.shape.layers != nil else {
                throw ValidationError(
                    "Say how many layers to copy with '--layers', or which as in "
                        + "'--init teacher-layers:0,2,5'"
                )
            }
        case .teacherLayers(let layers?):
            if let count = student.shape.layers, count != layers.count {
                throw ValidationError("'--layers' is \(count), but '--init' lists \(layers.count)")
            }
        case .folder: break
        }
    }
}

struct TeacherOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The teacher's model folder.", valueName: "dir"),
        completion: .directory
    )
    var teacher: String

    @Option(
        help: ArgumentHelp(
            "The masked language model that teaches stages which predict word pieces, where the "
                + "teacher is a classifier; layers are then copied from it.",
            valueName: "dir"
        ),
        completion: .directory
    )
    var generalTeacher: String?
}

/// What is learnt of labelled examples, if anything.
struct DistillationDataOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The training examples, as TSV or JSON lines; without them a recipe ends with its stages "
                + "on plain text.",
            valueName: "file"
        ),
        completion: .file()
    )
    var train: String?

    @Option(
        help: ArgumentHelp("The examples that decide which weights are kept.", valueName: "file"),
        completion: .file()
    )
    var dev: String?

    @OptionGroup var columns: ColumnOptions
}

/// The student's weights and sizes before training.
struct StudentOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where the student starts: 'random'; 'teacher-layers', which copies the teacher's "
                + "embeddings and layers evenly spaced, or those listed from 0 as in "
                + "'teacher-layers:0,2,5'; or a model folder.",
            valueName: "start"
        )
    )
    var `init`: StudentStart = .random

    @OptionGroup var shape: ShapeOptions
}
