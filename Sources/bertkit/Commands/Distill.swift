import ArgumentParser

struct Distill: RunFileCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a small student to answer like a teacher.",
        discussion: """
            A recipe says what the student is to match, in stages: the teacher's softened \
            answers ('logits'); its embeddings, hidden states and attention before them \
            ('tinybert'); first tokens of all layers beside them ('pkd'); attention and value \
            relations of the last layer ('minilm'), or relations among queries, among keys and \
            among values ('minilmv2'), before them. A YAML file may compose others: \
            recipe.yaml, beside every student, is one.

            Example:
              bertkit distill --teacher teacher/ --init teacher-layers --layers 3 \\
                --train train.tsv --dev dev.tsv --output student/
            """
    )

    @OptionGroup(title: "Teacher") var teacher: TeacherOptions
    @OptionGroup(title: "Data") var data: TrainingDataOptions
    @OptionGroup(title: "Student") var student: StudentOptions
    @OptionGroup(title: "Recipe") var recipe: RecipeOptions
    @OptionGroup(title: "Training") var stages: StageOptions
    @OptionGroup(title: "Training") var training: TrainingOptions
    @OptionGroup(title: "Output") var output: OutputOptions
    @OptionGroup(title: "Machine") var compute: ComputeOptions
    @OptionGroup(title: "Run") var runOptions: RunOptions

    func checkTogether() throws {
        let (shape, start) = (student.shape, student.`init`)
        let missing = shape.missing
        switch start {
        case .random:
            guard missing.isEmpty else {
                let names = missing.map { "'\($0)'" }.joined(separator: ", ")
                throw ValidationError("A student from random weights needs its sizes: add \(names)")
            }
        case nil:
            guard missing.count < 4 else {
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
        case .teacherLayers, .slimmed, .folder: break
        }
        if let listed = start?.layers, let count = shape.layers, count != listed.count {
            throw ValidationError("'--layers' is \(count), but '--init' lists \(listed.count)")
        }
    }
}

struct TeacherOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The teacher's model folder.", valueName: "dir"),
        completion: .directory
    )
    var teacher: String
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
                + "'slim:pca:0,2,5'; or a model folder (default: 'teacher-layers' if only layers are "
                + "fewer, 'slim:importance' if the student is narrower, else 'random').",
            valueName: "start"
        )
    )
    var `init`: StudentStart?

    @OptionGroup var shape: ShapeOptions
}
