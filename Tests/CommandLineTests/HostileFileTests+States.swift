import Checkpoints
import Foundation
import Provenance
import TestSupport

/// Saved states of a run that are not what was saved.
extension HostileFileTests {
    /// A run that was stopped after its first saved state: its folder, as files.
    private static let saved = Result {
        try Workbench.temporaryResult { bench in
            let line =
                "finetune --vocabulary @vocab.txt --max-positions 16 --layers 1 --hidden 8 --heads 2 "
                + "--intermediate 12 --train @train.tsv --dev @dev.tsv --epochs 400 --quiet "
                + "--save-every 0.00001 --keep-states 1 --output @out"
            let process = Process()
            process.executableURL = URL(filePath: Command.path)
            process.arguments = bench.arguments(line)
            process.standardError = FileHandle.nullDevice
            process.environment = [:]
            try process.run()
            while process.isRunning,
                !((try? bench.names(in: "out.training")) ?? [])
                    .contains(where: { $0.hasPrefix("state-") })
            {
                usleep(1000)
            }
            process.interrupt()
            process.waitUntilExit()
            var files: [String: Data] = [:]
            for (name, bytes) in try bench.snapshot() where !bytes.isEmpty { files[name] = bytes }
            return (folder: bench.folder.path, files: files)
        }
    }

    private static func state(
        _ description: String,
        _ answer: Answer,
        _ change: @escaping @Sendable (Workbench, _ state: String) throws -> Void
    ) -> Case {
        Case(description, ["resume @out --quiet"], answer) { bench in
            let run = try saved.get()
            for (name, bytes) in run.files {
                let url = bench[name]
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(),
                    withIntermediateDirectories: true
                )
                try bytes.write(to: url)
            }
            // The run's files are named by their paths, there and in the state.
            try bench.replace(run.folder, with: bench.folder.path, in: "out.training/run.json")
            let state = run.files.keys.first { $0.contains("state-") } ?? ""
            try bench.editHeader(state) { $0 = $0.replacing(run.folder, with: bench.folder.path) }
            try change(bench, state)
        }
    }

    /// Changes a state's header and gives the file the digest that belongs to it.
    private static func header(
        _ description: String,
        _ answer: Answer,
        _ change: @escaping @Sendable (inout String) -> Void
    ) -> Case {
        state(description, answer) { bench, name in try bench.editHeader(name, change) }
    }

    private static let cuts: [Case] = (0..<64).map { part in
        state("K01 cut at \(part) of 64", .refused("none of its states can be read")) {
            bench,
            name in
            let bytes = try bench.bytes(name)
            try bench.write(Array(bytes.prefix(bytes.count * part / 64)), name)
        }
    }

    private static let flips: [Case] = (0..<16).map { part in
        state("K02 a bit flipped at \(part) of 16", .refused("none of its states can be read")) {
            bench,
            name in
            var bytes = try bench.bytes(name)
            bytes[bytes.count * part / 16] ^= 1 << UInt8(part % 8)
            try bench.write(bytes, name)
        }
    }

    private static let lies: [Case] = [
        state("K03 a later version of the format", .refused("none of its states can be read")) {
            bench,
            name in
            var bytes = try bench.bytes(name)
            bytes[16] = 2
            try bench.seal(bytes, name)
        },
        state("K04 another option", .refused("was saved with --")) { bench, _ in
            try bench.replace("\"8\"", with: "\"4\"", in: "out.training/run.json")
        },
        state("K05 other data", .refused("train.tsv", "has changed")) { bench, _ in
            try bench.write(SmallModel.taskFile(labels: ["negative", "positive"]), "train.tsv")
        },
        state("K06 another vocabulary", .refused("vocab.txt", "has changed")) { bench, _ in
            try bench.replace("dull", with: "drab", in: "vocab.txt")
        },
        header("K07 no moments", .refused("state-")) {
            $0 = $0.replacing("moments", with: "nothing")
        },
        header("K08 2^63 steps", .refused("state-")) {
            $0 = $0.replacing(/"step":[0-9]+/, with: "\"step\":9223372036854775808")
        },
        header("K08 a step below zero", .refused("state-")) {
            $0 = $0.replacing(/"step":[0-9]+/, with: "\"step\":-1")
        },
        state("K09 a link to nothing", .refused(66, ["none of its states"])) { bench, name in
            try bench.remove(name)
            try FileManager.default.createSymbolicLink(
                atPath: bench[name].path,
                withDestinationPath: "nowhere"
            )
        },
        state("K14 none that is good", .refused("none of its states can be read")) { bench, name in
            try bench.write("x", name)
        },
    ]

    static let stateCases = cuts + flips + lies
}

extension Workbench {
    /// Changes a state's header, whose slashes are not escaped for the change.
    fileprivate func editHeader(_ name: String, _ change: (inout String) -> Void) throws {
        var bytes = try bytes(name)
        let count = bytes[24..<32].reversed().reduce(0) { $0 << 8 | Int($1) }
        var text = String(decoding: bytes[32..<32 + count], as: UTF8.self)
            .replacing("\\/", with: "/")
        change(&text)
        bytes.replaceSubrange(32..<32 + count, with: text.utf8)
        bytes.replaceSubrange(24..<32, with: HDF5Builder.number(UInt64(text.utf8.count)))
        try seal(bytes, name)
    }

    /// Writes a state's bytes with the digest that belongs to them.
    fileprivate func seal(_ bytes: [UInt8], _ name: String) throws {
        let body = Array(bytes.dropLast(32))
        try write(body, name)
        let digest = try FileDigest(of: self[name].path).sha256
        let sum = stride(from: 0, to: 64, by: 2).compactMap {
            UInt8(digest.dropFirst($0).prefix(2), radix: 16)
        }
        try write(body + sum, name)
    }

    fileprivate static func temporaryResult<Value>(
        _ body: (Workbench) throws -> Value
    ) throws -> Value {
        var value: Value?
        try temporary { value = try body($0) }
        guard let value else { throw CancellationError() }
        return value
    }
}
