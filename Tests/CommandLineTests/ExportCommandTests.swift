import Foundation
import Testing

@Suite("bertkit export")
struct ExportCommandTests {
    @Test("writes a folder for ONNX and a file for GGUF, and says what it did")
    func formats() throws {
        try Workbench.with(["model": "safetensors"]) { bench in
            try bench.write("the sea.\nthe sky\tin it\n", "texts.txt")
            for (line, name, phrases) in [
                ("@onnx --to onnx", "onnx/model.onnx", ["weights differ", "at most 0\n"]),
                ("@half --to onnx --dtype f16", "half/model.onnx", ["at most "]),
                (
                    "@int8 --to onnx --int8 dynamic", "int8/model_quantized.onnx",
                    ["logits [batch_size, "]
                ),
                (
                    "@qdq --to onnx --int8 qdq", "qdq/model_quantized.onnx", ["not run"]
                ),
                ("@model.gguf --to gguf --dtype q8_0", "model.gguf", ["gguf, "]),
            ] {
                let outcome = try bench.run("export @model \(line)")
                #expect(outcome.code == 0, "\(outcome.error)")
                #expect(outcome.output.contains("read back equal"))
                for phrase in phrases { #expect(outcome.output.contains(phrase)) }
                #expect(try !bench.bytes(name).isEmpty)
            }
        }
    }

    @Test(
        "refuses what does not fit, in one sentence, and writes nothing",
        arguments: [
            ("--to tflite", 64, "coreml"), ("", 64, "'--to <format>'"),
            ("--to onnx --dtype q8_0", 64, "q8_0 is a type of GGUF"),
            ("--to gguf --int8 dynamic", 64, "GGUF does not say how inputs are rounded"),
            ("--to onnx --dtype f16 --int8 dynamic", 64, "both say what weights are stored as"),
            ("--to onnx --data @none", 66, "none: there is no such file"),
            ("--to onnx --data @empty", 65, "empty"),
        ]
    )
    func refusals(line: String, code: Int32, phrase: String) throws {
        try Workbench.with(["model": "safetensors"]) { bench in
            try bench.write("", "empty")
            let before = try bench.snapshot()
            let outcome = try bench.run("export @model @out \(line)")
            #expect(outcome.code == code, "\(outcome.error)")
            #expect(outcome.output.isEmpty)
            #expect(outcome.errorLines.count == 1, "\(outcome.error)")
            #expect(outcome.error.contains(phrase), "\(outcome.error)")
            #expect(try bench.snapshot() == before)
        }
    }

    @Test("refuses an output that exists, and replaces it only when told to")
    func existing() throws {
        try Workbench.with(["model": "safetensors", "out": "tf_base"]) { bench in
            try bench.write("something", "model.gguf")
            let before = try bench.snapshot()
            for line in ["@out --to onnx", "@model.gguf --to gguf"] {
                let outcome = try bench.run("export @model \(line)")
                #expect(outcome.code == 73)
                #expect(outcome.errorLines.count == 1)
                #expect(outcome.error.contains("it exists already"))
                #expect(try bench.snapshot() == before)
            }
            let source = try bench.run("export @model @model --to onnx --force")
            #expect(source.code == 64)
            #expect(source.error.contains("this is the source itself"))
            #expect(try bench.snapshot() == before)
            for line in ["@out --to onnx", "@model.gguf --to gguf"] {
                #expect(try bench.run("export @model \(line) --force --quiet").code == 0)
            }
            #expect(try !bench.names(in: "out").contains("tf_model.h5"))
            #expect(try bench.bytes("model.gguf").starts(with: Array("GGUF".utf8)))
        }
    }

    /// A limit on a file's size fails the same writes as a full disk.
    @Test(
        "leaves nothing half-written on a full disk",
        arguments: ["onnx", "onnx --int8 dynamic", "gguf"]
    )
    func fullDisk(line: String) throws {
        try Workbench.with(["model": "safetensors"]) { bench in
            let before = try bench.snapshot()
            let arguments = bench.arguments("export @model @new --to \(line)")
                .joined(separator: " ")
            let outcome = try Command.shell(
                "(ulimit -f 2; $BERTKIT \(arguments)); echo \"code $?\""
            )
            #expect(outcome.output.contains("code 74\n"), "\(outcome.error)")
            #expect(outcome.errorLines.filter { $0.hasPrefix("bertkit: ") }.count == 1)
            #expect(try bench.snapshot() == before)
        }
    }
}
