import Bert
import Foundation
import Testing

@Suite("bertkit distill: starts, teachers and choices")
struct StudentStartTests {
    private static let data = "--train @train.tsv --dev @dev.tsv"
    private static let schedule = "--epochs 2 --batch-size 8 --learning-rate 1e-2 --max-length 16"
    private static let distill = "distill --teacher @teacher \(data) \(schedule)"
    private static let narrow = "--layers 1 --hidden 8 --heads 2 --intermediate 12"

    @discardableResult
    private func succeed(_ bench: Workbench, _ line: String) throws -> Outcome {
        let outcome = try bench.run(line)
        try #require(outcome.code == 0, "\(outcome.error)")
        return outcome
    }

    private func refuse(_ bench: Workbench, _ line: String, _ sentence: String) throws {
        let before = try bench.names()
        let outcome = try bench.run("\(line) --output @refused")
        #expect(outcome.code == 64, "\(outcome.error)")
        let last = try #require(outcome.errorLines.last)
        #expect(last.hasPrefix("bertkit: ") && last.contains(sentence), "\(last)")
        #expect(!outcome.error.contains("steps on"))
        #expect(try bench.names() == before)
    }

    @Test(
        "A narrower student starts from what a teacher has, and its run gives the same bytes",
        arguments: [
            ("slim:leading", "layers 0: the first 8 of 12 hidden dimensions"),
            ("slim:importance:0", "layers 0: the 8 most important of 12 hidden dimensions"),
            ("slim:pca:1", "layers 1: 8 principal directions of 12 hidden dimensions"),
            ("slim:svd:uniform", "layers 1: 8 singular directions of 12-wide word embeddings"),
        ]
    )
    func slimmed(_ start: String, _ origin: String) throws {
        try Workbench.temporary { bench in
            let layers = start == "slim:leading" ? " --init slim:leading:0" : " --init \(start)"
            let line = "\(Self.distill) \(Self.narrow)\(layers)"
            let outcome = try succeed(bench, "\(line) --output @out --workers 2")
            #expect(outcome.error.contains("student: slimmed from the teacher's \(origin)"))
            #expect(outcome.error.contains("2 of 2 heads, each 4 of 6 wide, and 12 of 20 neurons"))
            try succeed(bench, "distill --config @out/run.yaml --output @again --workers 1")
            #expect(
                try bench.bytes("again/tf_model.h5") == bench.bytes("out/tf_model.h5")
            )
            let inspected = try succeed(bench, "inspect @out")
            #expect(inspected.output.contains("classifier.weight"))
        }
    }

    @Test(
        "Embeddings narrower than the hidden states make an ELECTRA student, whatever the start",
        arguments: [
            ("--layers 1", "factorised into 4 singular directions of 12"),
            ("--init slim:pca \(narrow)", "factorised into 4 singular directions of 8"),
            ("--init random \(narrow)", "every weight is new"),
        ]
    )
    func factorized(_ start: String, _ origin: String) throws {
        try Workbench.temporary { bench in
            let line = "\(Self.distill) --embedding 4 \(start)"
            let outcome = try succeed(bench, "\(line) --output @out --workers 2")
            #expect(outcome.error.contains(origin), "\(outcome.error)")
            let configuration = try bench.text("out/config.json")
            #expect(configuration.contains("ElectraForSequenceClassification"))
            #expect(configuration.contains("\"embedding_size\": 4"))
            let inspected = try succeed(bench, "inspect @out")
            #expect(inspected.output.contains("embeddings_project"))
            try succeed(bench, "distill --config @out/run.yaml --output @again --workers 1")
            #expect(
                try bench.bytes("again/tf_model.h5") == bench.bytes("out/tf_model.h5")
            )
            // The folder is a start of its own, and of its own width only.
            let folder = "\(Self.distill) --init @out"
            try succeed(bench, "\(folder) --embedding 4 --output @more")
            try refuse(bench, "\(folder) --embedding 3", "has 4")
        }
    }

    @Test("Without --init the start follows from the sizes, and the run file says it")
    func defaults() throws {
        try Workbench.temporary { bench in
            for (sizes, start) in [
                ("--layers 1", "teacher-layers"), ("--layers 1 --hidden 8", "slim:pca"),
                ("--layers 1 --hidden 24 --heads 2 --intermediate 12", "random"),
            ] {
                let outcome = try succeed(bench, "\(Self.distill) \(sizes) --output @out --force")
                #expect(outcome.error.contains("student: starts as --init \(start)"))
                let run = try bench.text("out/run.yaml")
                #expect(run.contains("\ninit: \(start)") || run.contains("\ninit: \"\(start)"))
            }
        }
    }

    @Test("Shapes that a teacher does not hold are refused before anything is trained")
    func impossible() throws {
        try Workbench.temporary { bench in
            let line = "\(Self.distill) --init slim:pca"
            try refuse(bench, "\(line) --hidden 24", "--hidden is 24 and the teacher has 12")
            try refuse(bench, "\(line) --hidden 9", "2 heads do not divide a width of 9")
            try refuse(
                bench,
                "\(line) --hidden 8 --heads 1",
                "are 8 wide. Give it at least 2 heads"
            )
            try refuse(bench, "\(line):0,2 --hidden 8", "layers 0 to 1, not 2")
            try refuse(bench, "\(line) --layers 3", "3 layers cannot be copied from a teacher of 2")
            try refuse(bench, "\(line) --hidden 8 --embedding 8", "8 is not below the width of 8")
        }
    }

    @Test("The weights that are kept, and when training stops, follow the metric")
    func selection() throws {
        try Workbench.temporary { bench in
            let line = "\(Self.distill) --init teacher-layers:0 --metric kl"
            let outcome = try succeed(bench, "\(line) --epochs 4 --output @out")
            #expect(outcome.error.contains(": kl "))
            #expect(try bench.text("out/run.yaml").contains("\nmetric: kl\n"))
            let log = try bench.text("out/metrics.jsonl")
            #expect(log.contains("\"dev_kl\": "))
            let looks = log.split(separator: "\n").filter { $0.contains("dev_kl") }
            let values = looks.compactMap { line in
                line.firstMatch(of: /"dev_kl": ([0-9.e-]+)/).flatMap { Double($0.1) }
            }
            #expect(values.count == 4)
            let best = try #require(values.min())
            let lastBest = try #require(looks.last { $0.contains("\"best\": true") })
            #expect(lastBest.contains("\"dev_kl\": \(best),"))
            let isLast = values.last == best
            #expect(outcome.error.contains("came at the last look: more epochs may help") == isLast)

            // A rate of next to nothing changes no answer: the second look is no better.
            let still = "\(Self.distill) --init teacher-layers:0 --epochs 6 --early-stopping 2"
            let stopped = try succeed(
                bench,
                "\(still) --learning-rate 1e-12 --metric agreement --output @stopped"
            )
            #expect(
                stopped.error.contains(
                    "after 2 measurements without a better agreement"
                ),
                "\(stopped.error)"
            )
            try refuse(
                bench,
                "\(Self.distill) --layers 1 --metric mse",
                "mse does not measure classes"
            )
            try refuse(
                bench,
                "finetune --model @teacher \(Self.data) --metric kl",
                "kl compares with a teacher, and there is none"
            )
        }
    }

    @Test("Answers are kept from run to run, and a damaged file is said and made anew")
    func cache() throws {
        try Workbench.temporary { bench in
            let line = "\(Self.distill) --init teacher-layers:0"
            try succeed(bench, "\(line) --output @plain")
            let first = try succeed(bench, "\(line) --cache @kept --output @first")
            #expect(first.error.contains("teacher's answers: 0 of 40 from "))
            let second = try succeed(bench, "\(line) --cache @kept --output @second")
            #expect(second.error.contains("teacher's answers: 40 of 40 from "))
            let weights = try bench.bytes("plain/tf_model.h5")
            #expect(try bench.bytes("first/tf_model.h5") == weights)
            #expect(try bench.bytes("second/tf_model.h5") == weights)
            let name = try #require(try bench.names(in: "kept").first)
            var bytes = try bench.bytes("kept/\(name)")
            bytes[bytes.count - 1] ^= 1
            try bench.write(bytes, "kept/\(name)")
            let third = try succeed(bench, "\(line) --cache @kept --output @third")
            #expect(third.error.contains("its content was changed since it was written"))
            #expect(try bench.bytes("third/tf_model.h5") == weights)
        }
    }

    @Test("Several teachers answer as one; whose layers are meant has to be said")
    func teachers() throws {
        try Workbench.temporary { bench in
            try SmallModel(seed: 5).write(to: bench["other"])
            let both = "\(Self.distill) --teacher @other"
            let student = "--init random \(Self.narrow)"
            let outcome = try succeed(bench, "\(both) \(student) --output @mean")
            #expect(outcome.error.contains("teachers together: accuracy "))
            #expect(outcome.output.contains("teachers"))
            try succeed(bench, "\(Self.distill) \(student) --output @one")
            try succeed(bench, "\(both) \(student) --teacher-weights 1,0 --output @first")
            let weights = try bench.bytes("one/tf_model.h5")
            #expect(try bench.bytes("first/tf_model.h5") == weights)
            #expect(try bench.bytes("mean/tf_model.h5") != weights)
            let run = try bench.text("first/run.yaml")
            #expect(run.contains("\nteacher-weights: [1.0, 0.0]\n") || run.contains("[1, 0]"))
            try succeed(bench, "distill --config @mean/run.yaml --output @again")
            #expect(try bench.bytes("again/tf_model.h5") == bench.bytes("mean/tf_model.h5"))

            try refuse(
                bench,
                "\(both) --layers 1",
                "there are 2 teachers, and the student starts from the layers of one. "
                    + "Say which with --layer-teacher"
            )
            try refuse(bench, "\(both) \(student) --recipe minilm", "matches the layers of one")
            try succeed(bench, "\(both) --layers 1 --layer-teacher @other --output @layers")

            try SmallModel(labels: ["positive", "negative"]).write(to: bench["swapped"])
            try refuse(
                bench,
                "\(Self.distill) --teacher @swapped \(student)",
                "it answers positive, negative, and"
            )
            try bench.replace("film", with: "book", in: "other/vocab.txt")
            try bench.remove("other/tokenizer.json")
            try refuse(bench, "\(both) \(student)", "its vocabulary is another than that of")
        }
    }

    @Test("A temperature for scores is refused, and a recipe shows that there is none")
    func regression() throws {
        try Workbench.temporary { bench in
            try SmallModel(labels: ["score"], problemType: .regression).write(to: bench["scores"])
            for name in ["train.tsv", "dev.tsv"] {
                try bench.write(SmallModel.taskFile(labels: ["0.5", "2", "3.25"]), name)
            }
            let line = "distill --teacher @scores --layers 1 \(Self.data) \(Self.schedule)"
            let outcome = try succeed(bench, "\(line) --metric spearman --output @out")
            #expect(outcome.error.contains(": spearman "))
            #expect(try bench.text("out/recipe.yaml").contains("temperature: 1.0\n"))
            try refuse(bench, "\(line) --temperature 3", "scores, which no temperature softens")
            try bench.write(
                "name: own\nstages:\n  - name: a\n    objectives:\n"
                    + "      - kind: prediction\n        form: kl\n",
                "form.yaml"
            )
            try refuse(bench, "\(line) --recipe @form.yaml", "but the form is kl")
        }
    }
}
