import ArgumentParser
import Bert
import Checkpoints
import Diagnostics
import Foundation

struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the whole path on the small teacher that comes with BertKit.",
        discussion: """
            Inspects the teacher, trains a model of half its layers without it and another one \
            from its layers to answer like it, compares all three, and answers a few sentences: \
            about a minute. Every step is an ordinary command and is shown as such.

            Examples:
              bertkit demo
              bertkit demo --output elsewhere/ --workers 1
            """
    )

    @Option(
        help: ArgumentHelp("The folder to write. It must not exist yet.", valueName: "dir"),
        completion: .directory
    )
    var output = "bertkit-demo"

    @Flag(help: "Write into an output folder that exists, replacing what an earlier demo wrote.")
    var force = false

    @Option(
        help: ArgumentHelp(
            "The repository's fixtures folder (default: found from the working folder or the "
                + "program).",
            valueName: "dir"
        ),
        completion: .directory
    )
    var fixtures: String?

    @OptionGroup var compute: ComputeOptions

    func run() throws {
        let fixtures = try fixturesFolder()
        for file in ["teacher/tf_model.h5", "text/train.tsv", "text/dev.tsv", "text/examples.txt"] {
            let path = "\(fixtures)/\(file)"
            guard FileManager.default.fileExists(atPath: path) else {
                throw Failure(.missingInput, path, "the demo needs this file, which is not there")
            }
        }
        let root = URL(filePath: output)
        // What it replaces are the models inside, one by one.
        if !force { try AtomicOutput.check(root, force: false) }
        do {
            try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        } catch {
            throw Failure(.cannotCreate, output, "the folder cannot be created")
        }
        let teacher = "\(fixtures)/teacher"
        let (train, dev) = ("\(fixtures)/text/train.tsv", "\(fixtures)/text/dev.tsv")
        let (plain, student) = ("\(output)/without-teacher", "\(output)/student")
        let sizes = try ModelFolder.open(URL(filePath: teacher), requireHead: true).configuration
        let layers = ["--layers", String(max(1, sizes.hiddenLayerCount / 2))]
        let widths = [
            "--hidden", String(sizes.hiddenSize), "--heads", String(sizes.attentionHeadCount),
            "--intermediate", String(sizes.intermediateSize),
            "--max-positions", String(sizes.longestSequence),
        ]
        let schedule = [
            "--epochs", "3", "--learning-rate", "5e-4",
            "--dropout", String(sizes.hiddenDropoutProbability),
        ]
        let overwrite = force ? ["--force"] : []
        let workers = compute.workers.map { ["--workers", String($0)] } ?? []

        try step("What the teacher is", ["inspect", teacher])
        try step(
            "A model of half the layers that never meets the teacher",
            ["finetune", "--vocabulary", "\(teacher)/vocab.txt"] + layers + widths
                + ["--train", train, "--dev", dev, "--output", plain]
                + schedule + workers + overwrite
        )
        try step(
            "The same shape, started from the teacher's layers and learning its answers",
            ["distill", "--teacher", teacher, "--init", "teacher-layers"] + layers
                + ["--train", train, "--dev", dev, "--output", student] + schedule + workers
                + overwrite
        )
        try step(
            "What was kept",
            ["evaluate", "--teacher", teacher, "--student", student, "--student", plain]
                + ["--data", dev, "--predictions", "\(output)/predictions.tsv"]
                + ["--report", "\(output)/report.html"] + workers
                + overwrite
        )
        try step(
            "The student at work",
            ["predict", "--model", student, "\(fixtures)/text/examples.txt"]
        )
        try StandardOutput.write("Written to \(printable(output))/:\n")
        for path in try FileManager.default.subpathsOfDirectory(atPath: output).sorted() {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(output)/\(path)")
            guard attributes[.type] as? FileAttributeType == .typeRegular else { continue }
            let size = (attributes[.size] as? Int) ?? 0
            try StandardOutput.write("  \(printable(path))  \(Numbers.bytes(size))\n")
        }
    }

    /// Shows a command as a person would type it, and runs it.
    private func step(_ title: String, _ arguments: [String]) throws {
        let terminal = Terminal.standardOutput
        let command = (["bertkit"] + arguments).joined(separator: " ")
        try StandardOutput.write("\n\(terminal.styled(title, .strong))\n$ \(command)\n\n")
        try Tool.perform(arguments)
    }

    private func fixturesFolder() throws -> String {
        if let fixtures { return fixtures }
        let program = URL(filePath: CommandLine.arguments.first ?? "").resolvingSymlinksInPath()
        var candidates = ["fixtures"]
        var folder = program.deletingLastPathComponent()
        for _ in 0..<4 {
            folder = folder.deletingLastPathComponent()
            candidates.append(folder.appending(path: "fixtures").path)
        }
        for candidate in candidates {
            if FileManager.default.fileExists(atPath: "\(candidate)/teacher/tf_model.h5") {
                return candidate
            }
        }
        throw Failure(
            .missingInput,
            "fixtures/teacher/tf_model.h5",
            "the teacher that comes with BertKit was not found",
            remedy:
                "Run the demo in BertKit's repository, or name its fixtures folder with --fixtures"
        )
    }
}
