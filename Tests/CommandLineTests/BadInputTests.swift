import Foundation
import Testing

/// What users get wrong, and what files and machines do to them: one sentence, the right exit code,
/// nothing on standard output and nothing written.
@Suite("Bad input")
struct BadInputTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var line: String
        var code: Int32
        /// What the sentence must say.
        var phrases: [String]
        var prepare: @Sendable (Workbench) throws -> Void

        init(
            _ description: String,
            _ line: String,
            _ code: Int32,
            _ phrases: [String],
            _ prepare: @escaping @Sendable (Workbench) throws -> Void = { _ in }
        ) {
            (testDescription, self.line, self.code) = (description, line, code)
            (self.phrases, self.prepare) = (phrases, prepare)
        }
    }

    private static let data = "--train @train.tsv --dev @dev.tsv --output @out --epochs 1"
    private static let sizes = "--layers 1 --hidden 8 --heads 2 --intermediate 12"
    private static let scratch =
        "finetune --vocabulary @vocab.txt --max-positions 16 \(sizes) \(data)"
    private static let tune = "finetune --model @teacher \(data)"
    private static let distill = "distill --teacher @teacher --init teacher-layers:0 \(data)"
    private static let evaluate = "evaluate --teacher @teacher --data @dev.tsv"
    private static let predict = "predict --model @teacher @dev.tsv"
    private static let inspect = "inspect @teacher"
    private static let weights = "teacher/tf_model.h5"
    private static let pointer =
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"

    static let paths = [
        Case(
            "a teacher that is not there",
            "distill --teacher @gone --init random \(sizes) \(data)",
            66,
            ["gone: there is no such file or folder"]
        ),
        Case(
            "a model that is not there",
            "finetune --model @gone \(data)",
            66,
            ["gone: there is no"]
        ),
        Case(
            "a student that is not there",
            "\(evaluate) --student @gone",
            66,
            ["gone: there is no"]
        ),
        Case(
            "a start that is not there",
            "distill --teacher @teacher --init @gone \(data)",
            66,
            ["gone: there is no such file or folder"]
        ),
        Case("training data that is not there", tune, 66, ["train.tsv: "]) {
            try $0.remove("train.tsv")
        },
        Case("development data that is not there", distill, 66, ["dev.tsv: "]) {
            try $0.remove("dev.tsv")
        },
        Case("a vocabulary that is not there", scratch, 66, ["vocab.txt: "]) {
            try $0.remove("vocab.txt")
        },
        Case("a folder as training data", tune, 66, ["train.tsv: "]) {
            try $0.remove("train.tsv")
            try FileManager.default.createDirectory(
                at: $0["train.tsv"],
                withIntermediateDirectories: false
            )
        },
        Case("a run file that is not there", "\(tune) --config @gone.yaml", 66, ["gone.yaml"]),
        Case("an output below a file", "\(tune) --output @train.tsv/out", 73, ["train.tsv/out: "]),
        Case(
            "an output that is a file, with --force",
            "\(tune) --output @vocab.txt --force",
            73,
            ["vocab.txt: it exists and is not a folder"]
        ),
        Case("an output that exists", tune, 73, ["out: it exists already", "--force"]) {
            try FileManager.default.createDirectory(
                at: $0["out"],
                withIntermediateDirectories: false
            )
            try $0.write("kept", "out/note")
        },
        Case(
            "an output that is the teacher",
            "\(distill) --output @teacher --force",
            64,
            ["teacher: this is the source itself"]
        ),
        Case(
            "an output that holds the data",
            "\(distill) --output @. --force",
            64,
            ["the source lies in this folder"]
        ),
        Case(
            "a demo without its fixtures",
            "demo --fixtures @gone --output @out",
            66,
            ["gone/teacher/tf_model.h5: "]
        ),
    ]

    static let folders: [Case] = [tune, distill, evaluate, predict, inspect].flatMap { line in
        let command = line.prefix { $0 != " " }
        return [
            Case("\(command): no weights", line, 66, ["teacher: the folder has no weights"]) {
                try $0.remove(weights)
            },
            Case(
                "\(command): safetensors that are none",
                line,
                65,
                ["model.safetensors: "]
            ) {
                try $0.remove(weights)
                try $0.write("{}", "teacher/model.safetensors")
            },
            Case("\(command): truncated HDF5", line, 65, ["tf_model.h5: truncated: declares "]) {
                let bytes = try $0.bytes(weights)
                try $0.write(Array(bytes.prefix(bytes.count * 3 / 4)), weights)
            },
            Case("\(command): empty weights", line, 65, ["tf_model.h5: the file is empty"]) {
                try $0.write("", weights)
            },
            Case(
                "\(command): weights that are an HTML page",
                line,
                65,
                ["tf_model.h5: this is an HTML page"]
            ) {
                try $0.write("<!DOCTYPE html><html><body>404</body></html>", weights)
            },
            Case(
                "\(command): weights that are a zip archive",
                line,
                65,
                ["tf_model.h5: "]
            ) {
                try $0.write([0x50, 0x4B, 3, 4] + [UInt8](repeating: 7, count: 600), weights)
            },
            Case(
                "\(command): weights that are safetensors",
                line,
                65,
                ["tf_model.h5: "]
            ) {
                try $0.write([2, 0, 0, 0, 0, 0, 0, 0] + Array("{}".utf8) + [0, 0], weights)
            },
            Case(
                "\(command): weights that are a Git LFS pointer",
                line,
                65,
                ["tf_model.h5: this is a Git LFS pointer", "git lfs pull"]
            ) {
                try $0.write(pointer, weights)
            },
        ]
    }

    static let models: [Case] = [tune, distill, evaluate, predict].flatMap { line in
        let command = line.prefix { $0 != " " }
        return [
            Case(
                "\(command): no configuration",
                line,
                66,
                ["teacher: the folder has no config.json"]
            ) {
                try $0.remove("teacher/config.json")
            },
            Case("\(command): a configuration cut short", line, 65, ["teacher/config.json: "]) {
                let bytes = try $0.bytes("teacher/config.json")
                try $0.write(Array(bytes.prefix(bytes.count / 2)), "teacher/config.json")
            },
            Case("\(command): no vocabulary", line, 66, ["teacher: the folder has no vocab.txt"]) {
                try $0.remove("teacher/vocab.txt")
            },
            Case(
                "\(command): a vocabulary that is a Git LFS pointer",
                line,
                65,
                ["teacher/vocab.txt: this is a Git LFS pointer"]
            ) {
                try $0.write(pointer, "teacher/vocab.txt")
            },
            Case(
                "\(command): an empty vocabulary",
                line,
                65,
                ["teacher/vocab.txt: the file is empty"]
            ) {
                try $0.write("", "teacher/vocab.txt")
            },
            Case(
                "\(command): a vocabulary of another size",
                line,
                65,
                ["teacher/vocab.txt: the vocabulary has 18 pieces", "\"vocab_size\" 17"]
            ) {
                try $0.write(try $0.text("teacher/vocab.txt") + "more\n", "teacher/vocab.txt")
            },
            Case(
                "\(command): a vocabulary that is not UTF-8",
                line,
                65,
                ["teacher/vocab.txt: line 18 is not UTF-8"]
            ) {
                try $0.write(
                    try $0.bytes("teacher/vocab.txt") + [0x66, 0xFF, 0x0A],
                    "teacher/vocab.txt"
                )
            },
            Case(
                "\(command): NaN in the weights",
                line,
                65,
                ["tf_model.h5: ", "layer_._1/output/dense/bias:0 at [3] is nan"]
            ) {
                try $0.rewriteWeights(of: "teacher") { name, values in
                    if name == "encoder.layer.1.output.dense.bias" { values[3] = .nan }
                }
            },
            Case(
                "\(command): a configuration of another width",
                line,
                65,
                ["tf_model.h5: ", "must be [17, 16]"]
            ) {
                try $0.replace(
                    "\"hidden_size\": 12",
                    with: "\"hidden_size\": 16",
                    in: "teacher/config.json"
                )
            },
            Case(
                "\(command): a configuration of more layers",
                line,
                65,
                ["tf_model.h5: ", "16 missing: encoder.layer.2."]
            ) {
                try $0.replace(
                    "\"num_hidden_layers\": 2",
                    with: "\"num_hidden_layers\": 3",
                    in: "teacher/config.json"
                )
            },
        ]
    }

    static let texts: [Case] =
        [scratch, tune, distill].flatMap { line in
            let command = line == scratch ? "from scratch" : String(line.prefix { $0 != " " })
            return ["train.tsv", "dev.tsv"].flatMap { file in
                [
                    Case("\(command): \(file) empty", line, 65, ["\(file): the file is empty"]) {
                        try $0.write("", file)
                    },
                    Case(
                        "\(command): \(file) a header alone",
                        line,
                        65,
                        ["\(file): the file has a header but no rows"]
                    ) {
                        try $0.write("sentence\tlabel\n", file)
                    },
                    Case(
                        "\(command): \(file) with a row too short",
                        line,
                        65,
                        ["\(file): line 42", "column"]
                    ) {
                        try $0.write(try $0.text(file) + "film\nfilm\tpositive\n", file)
                    },
                    Case(
                        "\(command): \(file) not UTF-8",
                        line,
                        65,
                        ["\(file): line 42, byte 6: invalid UTF-8 (0xFF)"]
                    ) {
                        try $0.write(
                            try $0.bytes(file) + Array("film ".utf8) + [0xFF]
                                + Array("\tpositive\n".utf8),
                            file
                        )
                    },
                    Case(
                        "\(command): \(file) without labels",
                        // Without labels a teacher's answers can be learnt, but not the labels.
                        command == "distill" ? "\(line) --hard-label-weight 0.5" : line,
                        65,
                        ["\(file): ", "label"]
                    ) {
                        try $0.write(SmallModel.taskFile(labels: nil), file)
                    },
                    Case(
                        "\(command): \(file) a Git LFS pointer",
                        line,
                        65,
                        ["\(file): ", "Git LFS"]
                    ) {
                        try $0.write(pointer, file)
                    },
                ]
            }
        }
        + [scratch, tune, distill].map { line in
            Case(
                "\(line.prefix(20))…: a label only the development data has",
                line,
                65,
                ["dev.tsv: line 42: unknown label 'so so'", "'negative', 'positive'"]
            ) {
                try $0.write(try $0.text("dev.tsv") + "film\tso so\n", "dev.tsv")
            }
        }

    static let agreement =
        [
            Case(
                "a teacher's labels are not the data's",
                distill,
                65,
                ["train.tsv: line 2: unknown label 'good'", "'negative', 'positive'"]
            ) {
                try $0.write(SmallModel.taskFile(labels: ["good", "bad"]), "train.tsv")
            },
            Case(
                "--labels is not what the model's head answers",
                "\(tune) --labels a,b",
                65,
                ["teacher: its head answers [negative, positive], but the task has [a, b]"]
            ),
            Case("one label is no task", scratch, 65, ["train.tsv: ", "needs two"]) {
                try $0.write(SmallModel.taskFile(labels: ["good"]), "train.tsv")
            },
            Case(
                "a score that is no number",
                "\(scratch) --task regression",
                65,
                ["train.tsv: line 2: expected a number", "'positive'"]
            ),
            Case(
                "a start with another vocabulary",
                "distill --teacher @teacher --init @other \(data)",
                65,
                ["other: piece 7 of its vocabulary is \"good\" and of the teacher's \"fine\""]
            ) {
                try SmallModel(seed: 4).write(to: $0["other"])
                try $0.replace("fine", with: "good", in: "other/vocab.txt")
            },
            Case(
                "a start with other labels",
                "distill --teacher @teacher --init @other \(data)",
                65,
                ["other: its head answers [a, b], but the task has [negative, positive]"]
            ) {
                try SmallModel(labels: ["a", "b"]).write(to: $0["other"])
            },
            Case(
                "copied layers of another width",
                "\(distill) --hidden 8",
                64,
                ["--hidden is 8 and the teacher has 12"]
            ),
            Case(
                "a layer the teacher has not",
                distill.replacing(":0", with: ":0,2"),
                64,
                ["the teacher has layers 0 to 1, not 2"]
            ),
            Case(
                "more layers than the teacher has",
                distill.replacing(":0", with: "") + " --layers 3",
                64,
                ["3 layers cannot be copied from a teacher of 2"]
            ),
            Case(
                "sizes that are not the folder's",
                "distill --teacher @teacher --init @teacher --layers 1 \(data)",
                64,
                ["--layers: 1 was asked for", "has 2"]
            ),
            Case(
                "a bare encoder as teacher",
                distill,
                65,
                ["tf_model.h5: the file has no sequence-classification head", "bertkit finetune"]
            ) {
                try $0.rewriteWeights(of: "teacher", isHeadless: true)
            },
            Case(
                "a teacher whose answers overflow",
                distill,
                65,
                ["teacher: the teacher's answer to line 2 of ", "dev.tsv is "]
            ) {
                try $0.rewriteWeights(of: "teacher") { name, values in
                    if name == "classifier.weight" { values = values.map { _ in 3e38 } }
                }
            },
            Case("a model of two positions", tune, 65, ["the model has 2 positions"]) {
                try $0.remove("teacher")
                try SmallModel(positions: 2).write(to: $0["teacher"])
            },
        ]
        + [tune, distill].map { line in
            Case(
                "\(line.prefix(8)): pairs for a model of single texts",
                line,
                65,
                ["train.tsv: these are pairs of texts, which ", "\"type_vocab_size\" is 1"]
            ) {
                try $0.remove("teacher")
                try SmallModel(tokenTypes: 1).write(to: $0["teacher"])
                let rows = "sentence1\tsentence2\tlabel\nfilm\tplot\tpositive\na\tfilm\tnegative\n"
                try $0.write(rows, "train.tsv")
                try $0.write(rows, "dev.tsv")
            }
        }

    static let divergence = [
        Case(
            "a loss that overflows at once",
            tune,
            76,
            ["training: stopped before step 1 of 2 because the loss is "]
        ) {
            try $0.rewriteWeights(of: "teacher") { name, values in
                if name == "classifier.weight" { values = values.map { _ in 3e38 } }
            }
        },
        Case(
            "a gradient that overflows on the way",
            "\(scratch) --task regression --batch-size 1",
            76,
            ["training: stopped before step 37 of 41 because the gradient of ", "is not finite"]
        ) {
            var rows = SmallModel.taskFile(labels: ["1.5", "2"])
            try $0.write(rows, "dev.tsv")
            rows = SmallModel.taskFile(labels: ["1.5", "2"] + [String](repeating: "1", count: 37))
            try $0.write(rows + "film\t3e38\n", "train.tsv")
        },
    ]

    @Test(
        "One sentence, its exit code, and nothing written",
        arguments: paths + folders + models + texts + agreement + divergence
    )
    func badInput(_ example: Case) throws {
        try Workbench.temporary { bench in
            try example.prepare(bench)
            let before = try bench.snapshot()
            let outcome = try bench.run(example.line)
            expect(outcome, example)
            #expect(try bench.snapshot() == before)
        }
    }

    private func expect(_ outcome: Outcome, _ example: Case) {
        #expect(outcome.code == example.code, "\(outcome.error)")
        #expect(outcome.output.isEmpty)
        let complaints = outcome.errorLines.filter { $0.hasPrefix("bertkit: ") }
        #expect(complaints.count == 1)
        // It is the last that is said.
        #expect(outcome.errorLines.last == complaints.first, "\(outcome.error)")
        for phrase in example.phrases {
            #expect(complaints.first?.contains(phrase) == true, "\(outcome.error)")
        }
        #expect(complaints.first?.hasSuffix(".") == true)
    }

    @Test("Without a configuration, weights can still be inspected")
    func inspectWithoutConfiguration() throws {
        try Workbench.temporary { bench in
            try bench.remove("teacher/config.json")
            let outcome = try bench.run(Self.inspect)
            #expect(outcome.code == 0)
            #expect(outcome.output.contains("teacher: the folder has no config.json"))
            #expect(outcome.output.contains("encoder.layer.1.output.dense.bias"))
        }
    }

    @Test(
        "An output in a folder that cannot be written to is refused before the work",
        .enabled(if: getuid() != 0, "the superuser writes everywhere")
    )
    func unwritableOutput() throws {
        try Workbench.temporary { bench in
            try FileManager.default.createDirectory(
                at: bench["closed"],
                withIntermediateDirectories: false,
                attributes: [.posixPermissions: 0o555]
            )
            let outcome = try bench.run("\(Self.tune) --output @closed/new/out")
            #expect(outcome.code == 73)
            #expect(outcome.error.contains("closed that is to hold it cannot be written to"))
            #expect(!outcome.error.contains("train.tsv: 40 examples"))
        }
    }

    @Test("--force replaces a folder, all of it, and only when the new one is complete")
    func force() throws {
        try Workbench.temporary { bench in
            try FileManager.default.createDirectory(
                at: bench["out"],
                withIntermediateDirectories: false
            )
            try bench.write("old", "out/old")
            try bench.write("{}", "out/config.json")
            let bad = try bench.run("\(Self.tune) --force --labels a,b")
            #expect(bad.code == 65)
            #expect(try bench.names(in: "out") == ["config.json", "old"])
            let good = try bench.run("\(Self.tune) --force")
            #expect(good.code == 0, "\(good.error)")
            #expect(try bench.names(in: "out").contains("tf_model.h5"))
            #expect(try !bench.names(in: "out").contains("old"))
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: bench.folder.path).sorted()
                    == ["dev.tsv", "out", "teacher", "train.tsv", "vocab.txt"]
            )
        }
    }

    /// A limit on a file's size fails the same writes as a full disk.
    @Test("A disk that fills up leaves nothing half-written", arguments: [0, 4, 16])
    func fullDisk(_ kibibytes: Int) throws {
        try Workbench.temporary { bench in
            for (line, hasOld) in [(Self.tune, false), ("\(Self.distill) --force", true)] {
                if hasOld {
                    try FileManager.default.createDirectory(
                        at: bench["out"],
                        withIntermediateDirectories: false
                    )
                    try bench.write("old", "out/old")
                    try bench.write("{}", "out/config.json")
                }
                let before = try bench.snapshot()
                // What is said goes through pipes, which the limit does not concern.
                let command = bench.arguments(line).joined(separator: " ")
                let outcome = try Command.shell(
                    """
                    { { (ulimit -f \(kibibytes); $BERTKIT \(command)); echo "code $?" >&2; } \
                    2>&3 | cat; } 3>&1 | cat >&2
                    """
                )
                let complaints = outcome.errorLines.filter { $0.hasPrefix("bertkit: ") }
                #expect(outcome.error.contains("\ncode 74\n"), "\(outcome.error)")
                #expect(complaints.count == 1)
                #expect(complaints.first?.contains("/out") == true)
                #expect(complaints.first?.contains(".tmp-") == false)
                // Trained weights that fit under the limit are kept beside, to go on from.
                let left = try bench.snapshot().filter { !$0.key.hasPrefix("out.training") }
                #expect(left == before)
                if try bench.names().contains("out.training") { try bench.remove("out.training") }
            }
        }
    }

    @Test("A predictions file on a full disk is not left half-written")
    func fullDiskForPredictions() throws {
        try Workbench.temporary { bench in
            let before = try bench.snapshot()
            let line = bench.arguments("\(Self.evaluate) --predictions @answers.tsv --quiet")
                .joined(separator: " ")
            let outcome = try Command.shell(
                "{ (ulimit -f 0; $BERTKIT \(line)) 2>&1 >&3; echo \"code $?\"; } 3>&1 | cat >&2"
            )
            #expect(outcome.error.contains("answers.tsv: "), "\(outcome.error)")
            #expect(outcome.error.hasSuffix("code 74\n"))
            #expect(try bench.snapshot() == before)
        }
    }

    @Test("Over-long texts are no error: they are cut, the longer of a pair first, and counted")
    func overLong() throws {
        try Workbench.temporary { bench in
            let long = [String](repeating: "film", count: 5000).joined(separator: " ")
            let rows =
                "sentence1\tsentence2\tlabel\n\(long)\tplot\tpositive\na\tplot\tnegative\n"
                + "plot\t\(long)\tpositive\n"
            try bench.write(rows, "train.tsv")
            try bench.write(rows, "dev.tsv")
            for line in [Self.tune, Self.scratch, Self.distill] {
                let outcome = try bench.run("\(line) --force")
                #expect(outcome.code == 0, "\(outcome.error)")
                for file in ["train.tsv", "dev.tsv"] {
                    #expect(
                        outcome.error.contains(
                            "\(file): 2 of 3 texts are longer than 16 pieces and were cut, the "
                                + "longer of a pair first."
                        ),
                        "\(outcome.error)"
                    )
                }
            }
            let evaluated = try bench.run(Self.evaluate)
            #expect(evaluated.code == 0)
            #expect(evaluated.error.contains("2 of 3 texts are longer than 16 pieces"))
        }
    }

    @Test("A file that was cut anywhere is an error, never a crash")
    func truncatedAnywhere() throws {
        try Workbench.temporary { bench in
            let bytes = try bench.bytes(Self.weights)
            for count in [1, 7, 8, 9, 40, 96, 500, 2048, bytes.count / 2, bytes.count - 1] {
                try bench.write(Array(bytes.prefix(count)), Self.weights)
                let outcome = try bench.run(Self.inspect)
                #expect(outcome.code == 65, "\(count): \(outcome.error)")
                #expect(outcome.errorLines.count == 1)
                #expect(outcome.error.contains("tf_model.h5: "))
            }
        }
    }
}
