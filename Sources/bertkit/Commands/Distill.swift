import ArgumentParser

struct Distill: RunFileCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a small student to answer like a teacher.",
        discussion: """
            The student learns the teacher's softened answers on the training file: their cross \
            entropy at a temperature, scaled by its square, mixed with the given labels if \
            --hard-label-weight says so. The teacher's answers are computed once per example.

            Example:
              bertkit distill --teacher teacher/ --init teacher-layers --layers 3 \\
                --train train.tsv --dev dev.tsv --output student/
            """
    )

    @OptionGroup(title: "Teacher") var teacher: TeacherOptions
    @OptionGroup(title: "Data") var data: TrainingDataOptions
    @OptionGroup(title: "Student") var student: StudentOptions
    @OptionGroup(title: "Objective") var objective: ObjectiveOptions
    @OptionGroup(title: "Training") var training: TrainingOptions
    @OptionGroup(title: "Output") var output: OutputOptions
    @OptionGroup(title: "Machine") var compute: ComputeOptions
    @OptionGroup(title: "Run") var runOptions: RunOptions

    func checkTogether() throws {
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

/// What the student is asked to match.
struct ObjectiveOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What both models' logits are divided by before they are compared.",
            valueName: "number"
        )
    )
    var temperature = 2.0

    @Option(
        help: ArgumentHelp(
            "The share of the loss that the given labels have; the teacher has the rest.",
            valueName: "share"
        )
    )
    var hardLabelWeight = 0.0

    func validate() throws {
        try Limits.check("--temperature", temperature, 0...1000, above: true)
        try Limits.check("--hard-label-weight", hardLabelWeight, 0...1)
    }
}
