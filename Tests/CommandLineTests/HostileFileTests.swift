import Foundation
import TestSupport
import Testing

/// Files made to hurt, numbered as in `docs/testing.md`: each gets its answer, costs little, and leaves
/// everything as it was.
@Suite("Hostile files")
struct HostileFileTests {
    /// How a command answers.
    enum Answer: Sendable {
        /// One sentence that holds these phrases, and nothing written.
        case refused(Int32, [String])
        /// Exit code 0, and standard output holds this.
        case read(String)

        static func refused(_ phrases: String...) -> Answer { .refused(65, phrases) }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        /// The number in the list, and what is odd about the file.
        let testDescription: String
        /// Command lines that all get the answer; `@` stands for the folder.
        let lines: [String]
        let answer: Answer
        let prepare: @Sendable (Workbench) throws -> Void

        init(
            _ description: String,
            _ lines: [String],
            _ answer: Answer,
            prepare: @escaping @Sendable (Workbench) throws -> Void
        ) {
            (testDescription, self.lines, self.answer) = (description, lines, answer)
            self.prepare = prepare
        }
    }

    /// Above the processor time and memory of a command that does nothing.
    static let mostProcessorSeconds = 2.0
    static let mostBytes = 150 << 20

    private static let idle = Result { try MeasuredCommand.run(["--version"]) }

    @Test("An answer, at little cost, and nothing changed", arguments: all)
    func answered(_ example: Case) throws {
        let idle = try Self.idle.get()
        try Folder.temporary { folder in
            let bench = Workbench(folder: folder)
            try example.prepare(bench)
            let before = try bench.listing()
            for line in example.lines {
                let found = try MeasuredCommand.run(bench.arguments(line))
                let error = found.outcome.error
                #expect(found.signal == 0, "\(line): ended by signal \(found.signal): \(error)")
                expect(found.outcome, example.answer, line)
                #expect(error.utf8.count <= 4096 && !error.contains("HDF5-DIAG"), "\(error)")
                #expect(!error.utf8.contains(0x1B), "\(error)")
                let seconds = found.processorSeconds - idle.processorSeconds
                #expect(seconds <= Self.mostProcessorSeconds, "\(line): \(seconds) s")
                let bytes = found.peakBytes - idle.peakBytes
                #expect(bytes <= Self.mostBytes, "\(line): \(bytes) bytes")
                #expect(try bench.listing() == before, "\(line)")
            }
        }
    }

    private func expect(_ outcome: Outcome, _ answer: Answer, _ line: String) {
        switch answer {
        case .refused(let code, let phrases):
            #expect(outcome.code == code, "\(line): \(outcome.code): \(outcome.error)")
            #expect(outcome.output.isEmpty, "\(line): \(outcome.output)")
            let complaints = outcome.errorLines.filter { $0.hasPrefix("bertkit: ") }
            #expect(complaints.count == 1, "\(line): \(outcome.error)")
            #expect(outcome.errorLines.last == complaints.first, "\(outcome.error)")
            let complaint = complaints.first ?? ""
            #expect(complaint.hasSuffix(".") && complaint.utf8.count <= 1024, "\(outcome.error)")
            for phrase in phrases {
                #expect(complaint.contains(phrase), "\(line): \(outcome.error)")
            }
        case .read(let phrase):
            #expect(outcome.code == 0, "\(line): \(outcome.error)")
            #expect(outcome.output.contains(phrase), "\(line): \(outcome.output)")
        }
    }

    static let all =
        hdf5Containers + hdf5Structures + hdf5Data + hdf5Meaning + safetensorsCases + textCases
        + stateCases
}

extension Workbench {
    /// Every file's name, size and time of change, but for locks; large files are not read.
    func listing() throws -> [String: [String]] {
        var files: [String: [String]] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder.path)
        where !name.hasSuffix(".training/lock") {
            let facts = try? FileManager.default.attributesOfItem(atPath: self[name].path)
            if facts?[.type] as? FileAttributeType == .typeDirectory { continue }
            files[name] = [
                "\(facts?[.size] ?? 0)", "\(facts?[.modificationDate] ?? 0)",
                "\(facts?[.type] ?? 0)",
            ]
        }
        return files
    }
}
