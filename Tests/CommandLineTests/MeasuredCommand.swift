import Foundation
import Glibc

/// One run of the built command with what it cost.
struct MeasuredCommand {
    let outcome: Outcome
    /// The signal that ended it; 0 when it exited.
    let signal: Int32
    /// In user and system mode together.
    let processorSeconds: Double
    /// The largest resident set.
    let peakBytes: Int

    /// Runs `bertkit` with no environment; one that does not end is stopped after a minute of processor
    /// time.
    static func run(_ arguments: [String]) throws -> MeasuredCommand {
        try Folder.temporary { folder in
            let output = folder.appending(path: "output").path
            let error = folder.appending(path: "error").path
            var actions = posix_spawn_file_actions_t()
            posix_spawn_file_actions_init(&actions)
            defer { posix_spawn_file_actions_destroy(&actions) }
            let new = O_WRONLY | O_CREAT | O_TRUNC
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
            posix_spawn_file_actions_addopen(&actions, 1, output, new, 0o600)
            posix_spawn_file_actions_addopen(&actions, 2, error, new, 0o600)
            let line = ["/usr/bin/prlimit", "--cpu=60", "--core=0", Command.path] + arguments
            let texts = line.map { strdup($0) } + [nil]
            defer { for text in texts { free(text) } }
            var environment: [UnsafeMutablePointer<CChar>?] = [nil]
            var process: pid_t = 0
            let answer = posix_spawn(&process, line[0], &actions, nil, texts, &environment)
            guard answer == 0 else { throw POSIXError(.init(rawValue: answer) ?? .EIO) }
            var status: Int32 = 0
            var usage = rusage()
            var peak = 0
            // What the system says of an ended process counts this one's memory, which it shared before
            // it became another program.
            while wait4(process, &status, WNOHANG, &usage) == 0 {
                peak = max(peak, Self.peak(of: process))
                usleep(1000)
            }
            func seconds(_ time: timeval) -> Double {
                Double(time.tv_sec) + Double(time.tv_usec) / 1e6
            }
            let text = { (path: String) in
                String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
            }
            return MeasuredCommand(
                outcome: Outcome(
                    code: status >> 8 & 0xFF,
                    output: try text(output),
                    error: try text(error)
                ),
                signal: status & 0x7F,
                processorSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
                peakBytes: peak
            )
        }
    }

    private static func peak(of process: pid_t) -> Int {
        let text = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        // For a moment of its start a process still has the memory of the one that started it.
        guard let text, text.hasPrefix("Name:\tbertkit\n") else { return 0 }
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return line.flatMap { Int($0.filter(\.isNumber)) }.map { $0 * 1024 } ?? 0
    }
}
