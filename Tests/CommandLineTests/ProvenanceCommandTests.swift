import Foundation
import Provenance
import Testing

@Suite("Where a written folder says it comes from")
struct ProvenanceCommandTests {
    private static let training =
        "--train @train.tsv --dev @dev.tsv --init teacher-layers --layers 1 --epochs 1 --batch-size 8 "
        + "--max-length 16 --quiet"

    private func object(_ bench: Workbench, _ path: String) throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(bench.bytes(path)))
        return try #require(object as? [String: Any])
    }

    /// The inputs by role, each with its files' digests by name.
    private func inputs(_ object: [String: Any]) throws -> [String: [String: String]] {
        let list = try #require(object["inputs"] as? [[String: Any]])
        return try Dictionary(
            uniqueKeysWithValues: list.map { input in
                let files = try #require(input["files"] as? [[String: Any]])
                return (
                    try #require(input["role"] as? String),
                    try Dictionary(
                        uniqueKeysWithValues: files.map {
                            (
                                try #require($0["name"] as? String),
                                try #require($0["sha256"] as? String)
                            )
                        }
                    )
                )
            }
        )
    }

    @Test("A student's folder has the digests of teacher and data, its options and its scores")
    func student() throws {
        try Workbench.temporary { bench in
            let line =
                "distill --teacher @teacher \(Self.training) --output @out --seed 7 "
                + "--dataset nyu-mll/glue --base-model someone/teacher --license mit --language en"
            let outcome = try bench.run(line)
            try #require(outcome.code == 0, "\(outcome.error)")
            let found = try object(bench, "out/provenance.json")
            let inputs = try inputs(found)
            #expect(Set(inputs.keys) == ["teacher", "train", "dev"])
            for (role, files) in inputs {
                let path = bench[role == "teacher" ? role : "\(role).tsv"].path
                for (name, digest) in files {
                    let file = role == "teacher" ? "\(path)/\(name)" : path
                    #expect(try FileDigest(of: file).sha256 == digest)
                }
            }
            #expect(inputs["teacher"]?["tf_model.h5"] != nil)
            let file = bench["out"].appending(path: "run.yaml").path
            #expect(
                found["command"] as? String == "bertkit distill --config \(file) --output NEW"
            )
            #expect((found["options"] as? [String: Any])?["seed"] as? String == "7")
            let results = try #require(found["results"] as? [String: Any])
            let students = try #require(results["students"] as? [[String: Any]])
            let accuracy = try #require(students.first?["accuracy"] as? Double)

            let card = try bench.text("out/README.md")
            let digest = try #require(inputs["train"]?["train.tsv"])
            #expect(card.contains("- SHA-256 of train: \(digest) ("))
            for text in [
                "language:\n- en\n", "license: mit\n", "datasets:\n- nyu-mll/glue\n",
                "base_model: someone/teacher\n", "model-index:\n",
                "    - type: accuracy\n      value: \(accuracy)\n", "    - type: f1\n",
            ] {
                #expect(card.contains(text), "\(text)")
            }
        }
    }

    @Test("Without the data's name the card has no index of scores, which the Hub would refuse")
    func noDataset() throws {
        try Workbench.temporary { bench in
            let outcome = try bench.run(
                "distill --teacher @teacher \(Self.training) --output @out"
            )
            try #require(outcome.code == 0, "\(outcome.error)")
            let card = try bench.text("out/README.md")
            for text in ["model-index", "datasets", "base_model", "license", "language"] {
                #expect(!card.contains("\n\(text):"), "\(text)")
            }
        }
    }

    @Test("Converted and exported folders name their source")
    func derived() throws {
        try Workbench.with(["model": "tf"]) { bench in
            for line in ["convert @model @out --to safetensors", "export @model @graph --to onnx"] {
                let outcome = try bench.run(line)
                try #require(outcome.code == 0, "\(outcome.error)")
            }
            for folder in ["out", "graph"] {
                let found = try object(bench, "\(folder)/provenance.json")
                let files = try #require(try inputs(found)["model"])
                let weights = bench["model"].appending(path: "tf_model.h5").path
                #expect(files["tf_model.h5"] == (try FileDigest(of: weights).sha256))
                #expect(try bench.text("\(folder)/README.md").contains("SHA-256 of model: "))
            }
        }
    }

    @Test(
        "What the Hub would not take is refused before any work",
        arguments: [
            ("--dataset two/many/parts", "'--dataset' takes a name of the Hub"),
            ("--base-model ../teacher", "'--base-model' takes a name of the Hub"),
            ("--license mine", "'--license' is one of "),
            ("--language English", "'--language' takes"),
        ]
    )
    func refused(_ options: String, _ sentence: String) throws {
        try Workbench.temporary { bench in
            let outcome = try bench.run(
                "distill --teacher @teacher \(Self.training) --output @out \(options)"
            )
            #expect(outcome.code == 64)
            #expect(outcome.error.contains(sentence), "\(outcome.error)")
            #expect(!FileManager.default.fileExists(atPath: bench["out"].path))
        }
    }
}
