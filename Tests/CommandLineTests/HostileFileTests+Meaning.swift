import Checkpoints
import Foundation
import Glibc
import TestSupport

/// Well-formed files whose content cannot be a model.
extension HostileFileTests {
    private static func meaning(
        _ description: String,
        _ answer: Answer,
        lines: [String] = Array(both.suffix(1)),
        _ prepare: @escaping @Sendable (Workbench) throws -> Void
    ) -> Case {
        Case(description, lines, answer) { bench in
            try bench.add("tf", as: "model")
            try prepare(bench)
        }
    }

    private static func configured(
        _ description: String,
        _ answer: Answer,
        _ change: @escaping @Sendable (inout [String: JSONValue]) -> Void
    ) -> Case {
        meaning(description, answer) { try $0.edit("model/config.json", change) }
    }

    private static func text(
        _ description: String,
        _ answer: Answer,
        _ text: @escaping @Sendable (String) -> String
    ) -> Case {
        meaning(description, answer) {
            try $0.write(text($0.text("model/config.json")), "model/config.json")
        }
    }

    private static let fields: [Case] =
        [
            configured("H51 a hidden size that heads do not divide", .refused("heads")) {
                $0["num_attention_heads"] = .integer(5)
            },
            configured("H51 more layers than tensors", .refused("missing")) {
                $0["num_hidden_layers"] = .integer(3)
            },
            configured("H51 fewer layers than tensors", .refused("layer")) {
                $0["num_hidden_layers"] = .integer(1)
            },
            configured("H51 another intermediate size", .refused("must be")) {
                $0["intermediate_size"] = .integer(7)
            },
            configured("H51 a larger vocabulary", .refused("must be")) {
                $0["vocab_size"] = .integer(400)
            },
            configured("H51 more positions", .refused("must be")) {
                $0["max_position_embeddings"] = .integer(4096)
            },
        ]
        + [("1000000000", 1_000_000_000), ("0", 0), ("-1", -1)].map { name, value in
            configured("H53 \(name) layers", .refused("num_hidden_layers")) {
                $0["num_hidden_layers"] = .integer(value)
            }
        } + [
            configured("H53 12.5 layers", .refused("num_hidden_layers")) {
                $0["num_hidden_layers"] = .number(12.5)
            },
            configured("H53 layers as text", .refused("num_hidden_layers")) {
                $0["num_hidden_layers"] = .string("2")
            },
            configured("H53 no hidden size", .refused("hidden_size")) { $0["hidden_size"] = nil },
            text("H53 a key twice", .refused("second time")) {
                $0.replacing("\"hidden_size\"", with: "\"hidden_size\": 12, \"hidden_size\"")
            },
            text("H53 200,000 brackets", .refused("config.json")) { _ in
                String(repeating: "[", count: 200_000)
            },
            text("H53 no JSON", .refused("config.json")) { _ in "hidden_size = 12" },
            meaning("H53 a configuration of a gigabyte", .refused("config.json")) {
                try $0.write("{", "model/config.json")
                truncate($0["model/config.json"].path, 1 << 30)
            },
        ]

    private static func weights(
        _ description: String,
        _ answer: Answer,
        lines: [String],
        _ value: Float
    ) -> Case {
        Case(description, lines, answer) { bench in
            try SmallModel().write(to: bench["model"])
            try bench.write("a film\n", "texts.txt")
            try bench.rewriteWeights(of: "model") { name, values in
                if name.contains("layer.1.output.dense.weight")
                    || name.contains("layer.1.output.dense.kernel")
                {
                    values[7] = value
                }
            }
        }
    }

    private static let values: [Case] =
        [("not a number", Float.nan), ("infinite", Float.infinity)].map { name, value in
            weights(
                "H52 a weight that is \(name)",
                .refused("output/dense"),
                lines: ["predict --model @model @texts.txt"],
                value
            )
        } + [
            weights(
                "H52 a denormal weight",
                .read("itive"),
                lines: ["predict --model @model @texts.txt"],
                Float(bitPattern: 0x0001_0000)
            )
        ]

    private static func output(
        _ description: String,
        _ code: Int32,
        _ phrase: String,
        line: String = "convert @model @out --to safetensors",
        _ prepare: @escaping @Sendable (Workbench) throws -> Void
    ) -> Case {
        meaning(description, .refused(code, [phrase]), lines: [line], prepare)
    }

    private static let outputs: [Case] = [
        output(
            "H56 the output is the input",
            64,
            "model",
            line: "convert @model @model --to safetensors"
        ) { _ in },
        output("H56 the output is a full folder", 73, "out") {
            try FileManager.default.createDirectory(
                at: $0["out"],
                withIntermediateDirectories: false
            )
            try $0.write("kept", "out/notes.txt")
        },
        output("H56 the output is a link", 64, "out") {
            try FileManager.default.createSymbolicLink(
                at: $0["out"],
                withDestinationURL: $0["model"]
            )
        },
        output("H56 the output is a file", 73, "out") { try $0.write("kept", "out") },
        output(
            "H56 a folder that cannot be written to",
            73,
            "/proc",
            line: "convert @model /proc/out --to safetensors"
        ) { _ in },
    ]

    private static let locked: [Case] = [
        // Readers take no lock, as on a file system that has none.
        meaning("H55 a writer's lock", .read("tf"), lines: ["inspect \(file)"]) {
            let descriptor = open($0["model/tf_model.h5"].path, O_RDWR)
            flock(descriptor, LOCK_EX)
        }
    ]

    static let hdf5Meaning = fields + values + outputs + locked
}
