public import Diagnostics
import Foundation
import Glibc

/// A folder that shows a run while it goes on: `metrics.jsonl` and the event file, each entry written
/// as it comes, to be read by `tail -f` and TensorBoard.
public final class LiveLog: Sendable {
    private let folder: String
    private let lines: Int32
    private let events: Int32

    /// Makes the folder where there is none, and its two files.
    ///
    /// - Throws: `Failure` of kind `.cannotCreate`, also where the folder has a `metrics.jsonl`.
    public init(folder: String) throws(Failure) {
        self.folder = folder
        do {
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true
            )
        } catch {
            throw Failure(.cannotCreate, folder, "the folder cannot be created")
        }
        lines = open("\(folder)/metrics.jsonl", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard lines >= 0 else {
            let isThere = errno == EEXIST
            throw Failure(
                .cannotCreate,
                "\(folder)/metrics.jsonl",
                isThere ? "it exists already" : "it cannot be created: \(Self.problem())",
                remedy: isThere ? "Name another folder with --log-dir, or remove the file" : nil
            )
        }
        let now = Double(time(nil))
        let name = "\(folder)/\(EventFile.name(start: now))"
        events = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard events >= 0 else {
            throw Failure(.cannotCreate, name, "it cannot be created: \(Self.problem())")
        }
        try write(EventFile.heading(wallTime: now), to: events)
    }

    deinit {
        close(lines)
        close(events)
    }

    func append(_ entry: RunLog.Entry) throws(Failure) {
        try write(Array(entry.json.utf8), to: lines)
        try write(EventFile.record(entry), to: events)
    }

    private func write(_ bytes: [UInt8], to file: Int32) throws(Failure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw Failure(.inputOutput, folder, "the log cannot be written: \(Self.problem())")
            }
            rest = rest.dropFirst(count)
        }
    }

    private static func problem() -> String { String(cString: strerror(errno)) }
}
