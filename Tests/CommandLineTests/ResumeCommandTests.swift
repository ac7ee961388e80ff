import Foundation
import Glibc
import Testing

@Suite("bertkit resume, and what signals leave")
struct ResumeCommandTests {
    private static let data = "--train @train.tsv --dev @dev.tsv"
    private static let schedule =
        "--epochs 80 --batch-size 8 --learning-rate 1e-3 --max-length 16 --evaluate-every 7"
    private static let finetune =
        "finetune --vocabulary @vocab.txt --max-positions 16 --layers 1 --hidden 8 --heads 2 "
        + "--intermediate 12 \(data) \(schedule)"
    private static let bilstm =
        "finetune --student bilstm --vocabulary @vocab.txt --embedding 6 --units 5 --hidden 7 "
        + "\(data) \(schedule)"
    private static let tinybert =
        "distill --teacher @teacher --recipe tinybert --init random --layers 1 --hidden 8 --heads 2 "
        + "--intermediate 12 --augment mask,ngram --variants 1 --gradient-accumulation 2 "
        + "\(data) \(schedule)".replacing("--epochs 80", with: "--epochs 12")
    private static let pretrain =
        "pretrain --text @text.txt --vocabulary @vocab.txt --max-positions 16 --hold-out 10 "
        + "--layers 1 --hidden 8 --heads 2 --intermediate 12 --epochs 80 --batch-size 8 "
        + "--learning-rate 1e-3 --max-length 16"

    /// Lends a folder that also has `text.txt`.
    private func bench(_ body: (Workbench) throws -> Void) throws {
        try Workbench.temporary { bench in
            let lines = try bench.text("train.tsv").split(separator: "\n").dropFirst()
                .compactMap { $0.split(separator: "\t").first { $0.contains(" ") } }
            try bench.write(lines.joined(separator: "\n") + "\n", "text.txt")
            try body(bench)
        }
    }

    /// A command at work.
    private final class Running {
        let process = Process()
        private let error: URL

        init(_ bench: Workbench, _ line: String) throws {
            process.executableURL = URL(filePath: Command.path)
            process.arguments = bench.arguments(line)
            process.environment = [:]
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            error = bench["error-\(UUID().uuidString)"]
            try Data().write(to: error)
            process.standardError = try FileHandle(forWritingTo: error)
            try process.run()
        }

        func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

        /// The exit code, 128 + the signal's number where one ended it, and the lines of standard error.
        func end() throws -> (code: Int32, error: [String]) {
            process.waitUntilExit()
            let text = String(decoding: try Data(contentsOf: error), as: UTF8.self)
            try FileManager.default.removeItem(at: error)
            let isSignal = process.terminationReason == .uncaughtSignal
            return (
                process.terminationStatus + (isSignal ? 128 : 0),
                text.split(separator: "\n").map(String.init)
            )
        }
    }

    private func states(_ bench: Workbench, _ run: String = "out.training") -> [String] {
        ((try? bench.names(in: run)) ?? []).filter { $0.hasPrefix("state-") }
    }

    /// Starts a command and sends it a signal when it has saved a state.
    private func interrupted(
        _ bench: Workbench,
        _ line: String,
        by signal: Int32
    ) throws -> (code: Int32, error: [String]) {
        let before = states(bench)
        let running = try Running(bench, line)
        while running.process.isRunning, states(bench) == before { usleep(500) }
        running.send(signal)
        return try running.end()
    }

    private func succeed(_ bench: Workbench, _ line: String) throws {
        let outcome = try bench.run(line)
        try #require(outcome.code == 0, "\(outcome.error)")
    }

    /// What must not depend on interruptions.
    private func made(_ bench: Workbench, _ model: String) throws -> [[UInt8]] {
        let weights = try bench.names(in: model).filter { $0.hasSuffix(".h5") }
        try #require(weights.count == 1)
        return try [
            bench.bytes("\(model)/\(weights[0])"), bench.bytes("\(model)/metrics.jsonl"),
        ]
    }

    @Test(
        "A run that a signal ends says how to go on, and ends with the bits of one left alone",
        arguments: [
            (finetune, SIGINT), (bilstm, SIGTERM), (tinybert, SIGINT), (pretrain, SIGTERM),
        ]
    )
    func resumes(line: String, signal: Int32) throws {
        try bench { bench in
            try FileManager.default.createDirectory(
                at: bench["log"],
                withIntermediateDirectories: false
            )
            try succeed(bench, "\(line) --save-every 0 --quiet --output @whole")
            #expect(try !bench.names().contains("whole.training"))
            let (code, error) = try interrupted(
                bench,
                "\(line) --save-every 0.00001 --quiet --log-dir @log --output @out",
                by: signal
            )
            #expect(code == 128 + signal)
            #expect(error.count == 1)
            let name = signal == SIGINT ? "SIGINT" : "SIGTERM"
            #expect(error.first?.contains("training: stopped by \(name) after step ") ?? false)
            #expect(error.first?.contains("Go on with 'bertkit resume ") ?? false)
            #expect(!states(bench).isEmpty && states(bench).count <= 2)
            #expect(try !bench.names().contains("out"))

            // Once more by either name, and then to the end.
            let again = try interrupted(bench, "resume @out", by: signal)
            #expect(again.code == 128 + signal, "\(again.error)")
            #expect(again.error.contains { $0.hasPrefix("going on from ") })
            try succeed(bench, "resume @out.training/ --quiet")
            #expect(try made(bench, "out") == made(bench, "whole"))
            #expect(try !bench.names().contains("out.training"))
        }
    }

    @Test("Every state of a run of two stages leads to the same end", arguments: [tinybert])
    func everyState(line: String) throws {
        try bench { bench in
            let line = line.replacing("--epochs 12", with: "--epochs 2")
            try succeed(bench, "\(line) --quiet --output @whole")
            let options = "--save-every 0.000000001 --keep-states 10000 --quiet --output @out"
            let running = try Running(bench, "\(line) \(options)")
            // An output that is in the way lets the run fail at its end, with all its states.
            while running.process.isRunning, states(bench).isEmpty { usleep(200) }
            running.send(SIGSTOP)
            try FileManager.default.createDirectory(
                at: bench["out"],
                withIntermediateDirectories: false
            )
            running.send(SIGCONT)
            let (code, error) = try running.end()
            #expect(code == 73)
            #expect(error.last?.contains("What was trained is saved: go on with") ?? false)
            try bench.remove("out")
            let all = states(bench)
            #expect(all.count > 30)
            try FileManager.default.moveItem(at: bench["out.training"], to: bench["kept"])
            // The last is of what was trained, the others of the two stages.
            for name in all.enumerated().filter({ $0.offset % 3 == 0 }).map(\.element)
                + [all[all.count - 1]]
            {
                try FileManager.default.createDirectory(
                    at: bench["out.training"],
                    withIntermediateDirectories: false
                )
                for file in [name, "run.json"] {
                    try FileManager.default.copyItem(
                        at: bench["kept/\(file)"],
                        to: bench["out.training/\(file)"]
                    )
                }
                try succeed(bench, "resume @out --quiet")
                #expect(try made(bench, "out") == made(bench, "whole"), "\(name)")
                try bench.remove("out")
            }
        }
    }

    @Test("Killed at any moment while states are written, a run ends with the same bits")
    func killed() throws {
        try bench { bench in
            let line = Self.finetune.replacing("--epochs 80", with: "--epochs 20")
            try succeed(bench, "\(line) --quiet --output @whole")
            var next = "\(line) --save-every 0.000001 --quiet --output @out"
            var kills = 0
            while true {
                let running = try Running(bench, next)
                usleep(UInt32(100_000 + kills % 7 * 23_017))
                running.send(SIGKILL)
                let (code, error) = try running.end()
                next = "resume @out --quiet"
                kills += 1
                // Before it has said who it is, a run has nothing to go on with.
                let isKnown = (try? bench.names(in: "out.training"))?.contains("run.json") ?? false
                if code == 128 + SIGKILL {
                    // Within its very last act: the model is written, and its states are gone.
                    if !isKnown, try bench.names().contains("out") { break }
                    if !isKnown { next = "\(line) --save-every 0.000001 --quiet --output @out" }
                    continue
                }
                // The last one was faster than its signal.
                #expect(code == 0, "\(error)")
                break
            }
            #expect(try made(bench, "out") == made(bench, "whole"))
            #expect(states(bench).isEmpty)
        }
    }

    @Test("A second process on a run is refused in one sentence")
    func twoProcesses() throws {
        try bench { bench in
            let line = "\(Self.finetune) --save-every 0.00001 --output @out"
            let running = try Running(bench, line)
            while running.process.isRunning, states(bench).isEmpty { usleep(500) }
            running.send(SIGSTOP)
            let before = try bench.bytes("out.training/run.json")
            for other in [line, "\(line) --force", "resume @out"] {
                let outcome = try bench.run(other)
                #expect(outcome.code == 73 && outcome.output.isEmpty)
                let last = outcome.errorLines.last ?? ""
                #expect(last.contains("another process is working on this run"), "\(last)")
            }
            #expect(try bench.bytes("out.training/run.json") == before)
            running.send(SIGCONT)
            #expect(try running.end().code == 0)
            #expect(try !bench.names().contains("out.training"))
        }
    }

    @Test("Changed data, another teacher and other options are refused by name")
    func conditions() throws {
        try bench { bench in
            let line = "\(Self.tinybert) --save-every 0.00001 --quiet --output @out"
            _ = try interrupted(bench, line, by: SIGINT)
            let kept = states(bench)
            func refused(_ words: String...) throws {
                let outcome = try bench.run("resume @out --quiet")
                #expect(outcome.code == 65 && outcome.errorLines.count == 1, "\(outcome.error)")
                for word in words { #expect(outcome.error.contains(word), "\(outcome.error)") }
                #expect(states(bench) == kept)
            }
            for file in ["train.tsv", "dev.tsv", "teacher/vocab.txt"] {
                let content = try bench.bytes(file)
                try bench.write(content + Array("\n".utf8), file)
                try refused("\(file) has changed since the run was saved", "SHA-256")
                try bench.write(content, file)
            }
            try bench.replace("\"1e-3\"", with: "\"2e-3\"", in: "out.training/run.json")
            try refused("the run was saved with --learning-rate 1e-3, and now it is 2e-3")
            try bench.replace("\"2e-3\"", with: "\"1e-3\"", in: "out.training/run.json")
            // A new run does not silently take the place of what was saved.
            let anew = try bench.run(line)
            #expect(anew.code == 73 && anew.error.contains("Go on with 'bertkit resume "))
            #expect(states(bench) == kept)
            try succeed(bench, "\(line) --force")
            #expect(try !bench.names().contains("out.training"))
        }
    }

    @Test("A damaged newest state is passed over; without a good one nothing is begun silently")
    func damaged() throws {
        try bench { bench in
            let line = "\(Self.finetune) --save-every 0.00001 --keep-states 3 --quiet --output @out"
            try succeed(bench, "\(line.replacing("@out", with: "@whole"))")
            let first = try interrupted(bench, line, by: SIGINT)
            #expect(first.code == 130)
            _ = try interrupted(bench, "resume @out --quiet", by: SIGINT)
            let names = states(bench)
            try #require(names.count > 1)
            let last = "out.training/\(names[names.count - 1])"
            var bytes = try bench.bytes(last)
            bytes[bytes.count / 2] ^= 4
            try bench.write(bytes, last)
            let outcome = try bench.run("resume @out")
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.error.contains("passed over: "))
            #expect(try made(bench, "out") == made(bench, "whole"))

            try bench.remove("out")
            _ = try interrupted(bench, line, by: SIGINT)
            for name in states(bench) { try bench.write("x", "out.training/\(name)") }
            let refused = try bench.run("resume @out --quiet")
            #expect(refused.code == 65 && refused.error.contains("none of its states can be read"))
        }
    }

    @Test("What is no run is said to be none")
    func noRun() throws {
        try bench { bench in
            for path in ["@none", "@teacher", "@train.tsv"] {
                let outcome = try bench.run("resume \(path)")
                #expect(outcome.code == 66 && outcome.output.isEmpty)
                #expect(outcome.error.contains("there is no interrupted run"))
            }
            try FileManager.default.createDirectory(
                at: bench["odd.training"],
                withIntermediateDirectories: false
            )
            for text in ["", "{}", "[1]", "{\"command\": \"inspect\"}"] {
                try bench.write(text, "odd.training/run.json")
                #expect(try bench.run("resume @odd").code == 65)
            }
        }
    }

    @Test("Before training there is nothing to save, and nothing is left")
    func beforeTraining() throws {
        try bench { bench in
            let row = "a very fine film and not a dull old plot\tpositive\n"
            try bench.write(
                "sentence\tlabel\nfilm\tnegative\n" + String(repeating: row, count: 300_000),
                "train.tsv"
            )
            let running = try Running(bench, "\(Self.finetune) --output @out")
            while running.process.isRunning, try !bench.names().contains("out.training") {
                usleep(200)
            }
            running.send(SIGTERM)
            #expect(try running.end().code == 143)
            #expect(try bench.names().filter { $0.hasPrefix("out") || $0.hasPrefix(".") } == [])
        }
    }

    @Test("A second signal leaves at once, and what was saved loads; SIGHUP is survived")
    func twoSignals() throws {
        try bench { bench in
            let line = "\(Self.finetune) --quiet --output "
            try succeed(bench, "\(line) @whole")
            let running = try Running(bench, "\(line) @out --save-every 0.00001")
            while running.process.isRunning, states(bench).isEmpty { usleep(500) }
            running.send(SIGHUP)
            usleep(20_000)
            #expect(running.process.isRunning)
            running.send(SIGINT)
            running.send(SIGTERM)
            let code = try running.end().code
            #expect(code == 130 || code == 143)
            try succeed(bench, "resume @out --quiet")
            #expect(try made(bench, "out") == made(bench, "whole"))
        }
    }

    @Test("Where a state cannot be written, the older one is kept and named")
    func fileSizeLimit() throws {
        try bench { bench in
            let line = "\(Self.finetune) --quiet --output @out"
            let interruption = try interrupted(bench, "\(line) --save-every 0.00001", by: SIGINT)
            #expect(interruption.code == 130)
            let kept = states(bench)
            let path = bench.folder.path
            // 1 block is 1,024 bytes: smaller than any state.
            let outcome = try Command.shell(
                "ulimit -f 1; exec \"$BERTKIT\" resume \(path)/out --quiet"
            )
            #expect(outcome.code == 74, "\(outcome.error)")
            #expect(outcome.error.contains("The state saved before still loads"))
            #expect(states(bench) == kept)
            try succeed(bench, "resume @out --quiet")
        }
    }
}
