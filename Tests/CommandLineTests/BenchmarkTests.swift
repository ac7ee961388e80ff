import Bert
import Foundation
import TestSupport
import Testing
import bertkit

@Suite("bertkit benchmark")
struct BenchmarkTests {
    private func measure(_ arguments: String...) throws -> [String: Any] {
        try Folder.temporary { folder in
            try SmallModel().write(to: folder.appending(path: "model"))
            let data = try folder.write(
                SmallModel.taskFile(labels: ["negative", "positive"]),
                "dev.tsv"
            )
            let outcome = try Command.run(
                ["benchmark", "--model", folder.path + "/model", "--format", "json", "--quiet"]
                    + arguments.map { $0 == "DATA" ? data : $0 }
            )
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.output.count { $0 == "\n" } == 1)
            let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
            return try #require(object as? [String: Any])
        }
    }

    @Test("Everything is measured once a round, on all real pieces")
    func everything() throws {
        let report = try measure("--data", "DATA", "--rounds", "3", "--batch-size", "8")
        #expect(report["rounds"] as? Int == 3)
        #expect(report["seconds"] == nil)
        let data = try #require(report["data"] as? [String: Any])
        #expect(data["examples"] as? Int == 40)
        let forward = try #require(report["forward"] as? [String: [String: Any]])
        #expect(Set(forward.keys) == ["whole", "file", "sorted"])
        var rates = Array(forward.values)
        rates.append(try #require(report["training_step"] as? [String: Any]))
        for rate in rates {
            #expect(rate["tokens"] as? Int == data["tokens"] as? Int)
            let all = try #require(rate["all_seconds"] as? [Double])
            #expect(all.count == 3)
            let seconds = try #require(rate["seconds"] as? Double)
            #expect(seconds == all.sorted()[1])
            let speed = try #require(rate["examples_per_s"] as? Double)
            #expect(abs(speed * seconds - 40) < 1e-6)
            #expect(try #require(rate["gflop_per_s"] as? Double) > 0)
        }
        let latency = try #require(report["latency"] as? [String: Any])
        #expect(latency["sentences"] as? Int == 40)
        let (half, most) = (latency["p50_ms"] as? Double, latency["p95_ms"] as? Double)
        #expect(try #require(half) <= (try #require(most)))
        let load = try #require(report["load"] as? [String: Any])
        #expect((load["all_seconds"] as? [Double])?.count == 3)
        let memory = try #require(report["peak_memory_bytes"] as? [String: Int])
        let peaks = ["loaded", "forward", "training"].compactMap { memory[$0] }
        #expect(peaks.count == 3)
        #expect(peaks == peaks.sorted())
        #expect(peaks[0] > 1_000_000)
        let machine = try #require(report["machine"] as? [String: Any])
        #expect((machine["matrix_library"] as? String)?.isEmpty == false)
    }

    @Test(
        "One thing alone has its seconds on the top level",
        arguments: [
            ("forward", ["forward"]), ("training", ["training_step"]), ("latency", ["latency"]),
            ("load", ["load"]),
        ]
    )
    func single(name: String, sections: [String]) throws {
        let report = try measure("--lengths", "2,5,16", "--rounds", "1", "--measure", name)
        let all = Set(["forward", "training_step", "latency", "load"])
        #expect(all.intersection(report.keys) == Set(sections))
        #expect(try #require(report["seconds"] as? Double) > 0)
        #expect((report["examples_per_s"] != nil) == (name != "load"))
    }

    @Test(
        "Candidates are counted in words, for either context; a model without the head is refused"
    )
    func candidates() throws {
        let layouts = Fixtures.folder.appending(path: "layouts")
        try Folder.temporary { folder in
            // Of one piece, letters, and no stop words: sky, sea, b; sea.
            let data = try folder.write("sentence\nthe sky b sea !\nseas a Sea\n", "texts.tsv")
            func run(_ model: String, _ arguments: String...) throws -> Outcome {
                try Command.run(
                    [
                        "benchmark", "--model", layouts.path + "/" + model, "--measure",
                        "candidates", "--rounds", "2", "--quiet",
                    ] + arguments
                )
            }
            let outcome = try run("safetensors_masked_lm", "--data", data, "--format", "json")
            #expect(outcome.code == 0, "\(outcome.error)")
            let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
            let report = try #require(object as? [String: Any])
            #expect(report["words"] as? Int == 4 && report["sentences"] as? Int == 2)
            let contexts = try #require(report["contexts"] as? [String: [String: Any]])
            #expect(Set(contexts.keys) == ["pair", "none"])
            for rate in contexts.values {
                #expect((rate["all_seconds"] as? [Double])?.count == 2)
                #expect(try #require(rate["words_per_s"] as? Double) > 0)
            }
            let text = try run("safetensors_masked_lm", "--data", data).output
            #expect(text.hasPrefix("4 words of one piece in 2 sentences"))
            #expect(text.contains("masked alone"))
            let headless = try run("safetensors", "--data", data)
            #expect(headless.code == 65)
            #expect(headless.error.contains("a masked-language-model head is needed"))
            #expect(try run("safetensors_masked_lm").code == 64)
        }
    }

    @Test("One order alone is the headline")
    func order() throws {
        let report = try measure("--measure", "forward", "--order", "file", "--rounds", "1")
        let forward = try #require(report["forward"] as? [String: [String: Any]])
        #expect(Set(forward.keys) == ["file"])
        #expect(report["seconds"] as? Double == forward["file"]?["seconds"] as? Double)
        #expect(forward["file"]?["examples"] as? Int == 192)
    }

    @Test("A distillation's steps are a recipe's stage with its teacher", arguments: [false, true])
    func distillation(isGrouped: Bool) throws {
        try Folder.temporary { folder in
            let model = folder.path + "/model"
            try SmallModel().write(to: folder.appending(path: "model"))
            let data = try folder.write(
                SmallModel.taskFile(labels: ["negative", "positive"]),
                "dev.tsv"
            )
            func run(_ arguments: String...) throws -> Outcome {
                try Command.run(
                    [
                        "benchmark", "--model", model, "--data", data, "--quiet", "--rounds", "1",
                        "--batch-size", "8",
                    ] + arguments
                )
            }
            let order = ["--training-order", isGrouped ? "grouped" : "shuffled"]
            for (recipe, stage) in [("tinybert", "intermediate"), ("logits", "prediction")] {
                let outcome = try Command.run(
                    [
                        "benchmark", "--model", model, "--data", data, "--quiet", "--rounds", "1",
                        "--measure", "distillation", "--teacher", model, "--recipe", recipe,
                        "--stage", stage, "--format", "json",
                    ] + order
                )
                #expect(outcome.code == 0, "\(outcome.error)")
                let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
                let report = try #require(object as? [String: Any])
                let step = try #require(report["distillation_step"] as? [String: Any])
                #expect(step["examples"] as? Int == 32)
                #expect(report["seconds"] as? Double == step["seconds"] as? Double)
            }
            let text = try run("--measure", "distillation", "--teacher", model)
            #expect(text.output.contains("distilling, batches of 8 shuffled"))
            for (arguments, phrase) in [
                (["--measure", "distillation"], "give '--teacher'"),
                (["--teacher", model], "add '--measure distillation'"),
                (["--recipe", "tinybert"], "add '--measure distillation'"),
                (
                    ["--measure", "distillation", "--teacher", model, "--stage", "none"],
                    "has no stage of that name"
                ),
                (["--measure", "forward", "--training-order", "grouped"], "'--training-order'"),
            ] {
                let outcome = try Command.run(
                    ["benchmark", "--model", model, "--data", data] + arguments
                )
                #expect(outcome.code == 64)
                #expect(outcome.error.contains(phrase), "\(outcome.error)")
            }
        }
    }

    @Test("The table names what was measured")
    func table() throws {
        try Folder.temporary { folder in
            try SmallModel(labels: ["score"], problemType: .regression)
                .write(to: folder.appending(path: "model"))
            let arguments = ["benchmark", "--model", folder.path + "/model", "--rounds", "1"]
            let outcome = try Command.run(arguments + ["--quiet"])
            #expect(outcome.code == 0, "\(outcome.error)")
            for title in ["all at once", "file order", "by length", "training", "peak memory"] {
                #expect(outcome.output.contains(title))
            }
            let plain = try Command.run(arguments + ["--quiet", "--no-training-step"])
            #expect(!plain.output.contains("training"))
            let long = try Command.run(arguments + ["--lengths", "17"])
            #expect(long.code == 64)
            #expect(long.error.contains("17 pieces are more than the model's 16 positions"))
        }
    }

    @Test("A profile charges all time to operations, beside the machine's limits")
    func profile() throws {
        let report = try measure(
            "--data",
            "DATA",
            "--rounds",
            "2",
            "--batch-size",
            "8",
            "--profile"
        )
        let profile = try #require(report["profile"] as? [String: Any])
        let limits = try #require(profile["limits"] as? [String: Any])
        for name in ["gflop_per_s", "gb_per_s"] {
            #expect(try #require(limits[name] as? Double) > 0)
        }
        #expect(limits["product"] as? [Int] == [128, 20, 12])
        let workers = try #require(profile["workers"] as? Int)
        let units = ["forward": 10, "latency": 80, "training": 10]
        for (name, count) in units {
            let section = try #require(profile[name] as? [String: Any], "\(name)")
            #expect(section["passes"] as? Int == 2)
            #expect(section["units"] as? Int == count)
            #expect(try #require(section["unprofiled_pass_seconds"] as? Double) > 0)
            let seconds = try #require(section["seconds"] as? Double)
            let rows = try #require(section["operations"] as? [[String: Any]])
            let names = rows.compactMap { $0["operation"] as? String }
            #expect(Set(names).count == rows.count)
            #expect(Set(["queryKeyValue", "attention", "output", "layerNorm"]).isSubset(of: names))
            let backward = Set([
                "outputInput", "outputWeight", "attentionBackward", "adamW", "loss",
            ])
            #expect(backward.isSubset(of: names) == (name == "training"))
            var sum = 0.0
            var flop = 0
            for row in rows {
                let parts = try #require(row["worker_seconds"] as? [Double])
                #expect(parts.count == workers)
                let whole = try #require(row["seconds"] as? Double)
                #expect(abs(parts.reduce(0, +) - whole) <= 1e-9)
                #expect(try #require(row["calls"] as? Int) > 0)
                #expect((row["title"] as? String)?.isEmpty == false)
                sum += whole
                flop += try #require(row["flop"] as? Int)
                if row["limit"] as? String == "arithmetic" {
                    #expect(try #require(row["gflop_per_s"] as? Double) > 0)
                    #expect(try #require(row["share_of_limit"] as? Double) > 0)
                }
            }
            #expect((0.6...1.1).contains(sum / seconds / Double(workers)), "\(name)")
            #expect(section["flop"] as? Int == flop)
        }
    }

    @Test("A profile is of what computes")
    func profileOfLoading() throws {
        try Folder.temporary { folder in
            try SmallModel().write(to: folder.appending(path: "model"))
            let arguments = [
                "benchmark", "--model", folder.path + "/model", "--rounds", "1", "--quiet",
            ]
            let refused = try Command.run(arguments + ["--measure", "load", "--profile"])
            #expect(refused.code == 64)
            #expect(refused.error.contains("'--profile'"))
            let table = try Command.run(arguments + ["--measure", "training", "--profile"])
            #expect(table.code == 0, "\(table.error)")
            for title in ["limits ", "training, by step", "dW output", "AdamW, dense", "busy, by"] {
                #expect(table.output.contains(title), "\(title)")
            }
            #expect(!table.output.contains("one sentence, by sentence"))
        }
    }

    @Test("Percentiles lie between the values around them")
    func percentiles() {
        #expect(percentile([4], 0.95) == 4)
        #expect(median([3, 1, 2]) == 2)
        #expect(median([4, 1, 3, 2]) == 2.5)
        #expect(abs(percentile((0...100).map(Double.init).reversed(), 0.95) - 95) < 1e-9)
    }
}
