import ArgumentParser

struct Distill: RunFileCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a small student to answer like a teacher.",
        discussion: """
            A recipe says what the student is to match, in stages: the teacher's softened \
            answers ('logits'), which a BiLSTM learns by squared differences ('bilstm'); a masked language model's words and last hidden states on plain \
            text ('distilbert'); its embeddings, hidden states and attention before them \
            ('tinybert'); first tokens of all layers beside them ('pkd'); attention and value \
            relations of the last layer ('minilm'), or relations among queries, among keys and \
            among values ('minilmv2'), before them. A YAML file may compose others: \
            recipe.yaml, beside every student, is one.

            Examples:
              bertkit distill --teacher teacher/ --init teacher-layers --layers 3 \\
                --train train.tsv --dev dev.tsv --output student/
              bertkit distill --recipe distilbert --teacher encoder/ \\
                --init teacher-layers --layers 3 --text text.txt --output general/
              bertkit distill --student bilstm --teacher teacher/ \\
                --train train.tsv --dev dev.tsv --output small/
            """
    )

    @OptionGroup(title: "Teacher") var teacher: TeacherOptions
    @OptionGroup(title: "Data") var data: DistillationDataOptions
    @OptionGroup(title: "Student") var student: StudentOptions
    @OptionGroup(title: "Recipe") var recipe: RecipeOptions
    @OptionGroup(title: "Variants") var variants: VariantOptions
    @OptionGroup(title: "Training") var stages: StageOptions
    @OptionGroup(title: "Training") var training: TrainingOptions
    @OptionGroup(title: "Training") var selection: SelectionOptions
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
        if data.train == nil, variants.isGiven {
            throw ValidationError("Variants are made of training examples: give '--train'")
        }
        try checkKind()
        if isBiLSTM { return }
        if data.train == nil { try checkGeneral() }
        let (shape, start) = (student.shape, student.`init`)
        let missing = shape.missing
        switch start {
        case .random:
            guard missing.isEmpty else {
                let names = missing.map { "'\($0)'" }.joined(separator: ", ")
                throw ValidationError("A student from random weights needs its sizes: add \(names)")
            }
        case nil:
            guard missing.count < 4 || student.bilstm.embedding != nil else {
                throw ValidationError(
                    "Say how small the student is to be with '--layers', '--hidden', '--heads' and "
                        + "'--intermediate', or what it starts from with '--init'"
                )
            }
        case .teacherLayers(nil):
            guard shape.layers != nil else {
                throw ValidationError(
                    "Say how many layers to copy with '--layers', or which as in "
                        + "'--init teacher-layers:0,2,5'"
                )
            }
        case .teacherLayers, .teacherEmbeddings, .slimmed, .folder: break
        }
        if let listed = start?.layers, let count = shape.layers, count != listed.count {
            throw ValidationError("'--layers' is \(count), but '--init' lists \(listed.count)")
        }
    }
}

struct TeacherOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The teacher's model folder. Given several times, the teachers' answers are averaged; "
                + "they read the same tokens and have the same labels.",
            valueName: "dir"
        ),
        completion: .directory
    )
    var teacher: [String]

    @Option(
        help: ArgumentHelp(
            "How much each of several teachers counts, as in '0.7,0.3' (default: all the same).",
            valueName: "weight,…"
        )
    )
    var teacherWeights: StageValues<Double>?

    @Option(
        help: ArgumentHelp(
            "Of several teachers, the one whose layers are matched, copied or slimmed.",
            valueName: "dir"
        ),
        completion: .directory
    )
    var layerTeacher: String?

    @Option(
        help: ArgumentHelp(
            "The masked language model that teaches stages which predict word pieces, where the "
                + "teacher is a classifier; layers are then copied from it.",
            valueName: "dir"
        ),
        completion: .directory
    )
    var generalTeacher: String?

    @Option(
        help: ArgumentHelp(
            "A folder that keeps the teacher's answers to training examples for later runs "
                + "(default: they are computed in each run).",
            valueName: "dir"
        ),
        completion: .directory
    )
    var cache: String?

    func validate() throws {
        if let weights = teacherWeights?.values {
            guard weights.count == teacher.count else {
                throw ValidationError(
                    "'--teacher-weights' has \(weights.count) weights for \(teacher.count) teachers"
                )
            }
            guard weights.allSatisfy({ $0.isFinite && $0 >= 0 }),
                weights.contains(where: { $0 > 0 })
            else {
                throw ValidationError(
                    "'--teacher-weights' takes numbers from 0, at least one of them above 0"
                )
            }
        }
        if let layerTeacher, !teacher.contains(layerTeacher) {
            throw ValidationError(
                "'--layer-teacher' is none of the teachers: give one as '--teacher' has it"
            )
        }
    }

    var weights: [Double] { teacherWeights?.values ?? teacher.map { _ in 1 } }
}

/// What is learnt of labelled examples, if anything.
struct DistillationDataOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The training examples, as TSV or JSON lines, or as labelled words for a teacher of tokens; "
                + "without them a recipe ends with its stages on plain text.",
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
            "Where the student starts: 'random'; 'teacher-layers', the teacher's embeddings and "
                + "layers evenly spaced, or those listed from 0 as in 'teacher-layers:0,2,5'; "
                + "'slim:leading', 'slim:importance', 'slim:pca' or 'slim:svd', the same made "
                + "narrower: by the first dimensions, heads and neurons, by the most important, or by "
                + "directions of hidden states or of word embeddings, with a list as in "
                + "'slim:pca:0,2,5'; 'teacher-embeddings', a BiLSTM with the teacher's word embeddings; or "
                + "a model folder (default: 'teacher-layers' if only layers are fewer, 'slim:pca' if the "
                + "student is narrower, 'teacher-embeddings' for a BiLSTM, else 'random').",
            valueName: "start"
        )
    )
    var `init`: StudentStart?

    @Option(
        name: .customLong("student"),
        help: ArgumentHelp(
            "What the student is: 'bert', of the teacher's family, or 'bilstm' (default: bert; with "
                + "recipe bilstm, bilstm).",
            valueName: "kind"
        )
    )
    var kind: StudentKind?

    @OptionGroup var shape: ShapeOptions
    @OptionGroup var bilstm: BiLSTMOptions
}
