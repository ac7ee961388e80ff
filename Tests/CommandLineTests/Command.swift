import Foundation
import Testing

/// What one run of the built command left behind.
struct Outcome {
    var code: Int32
    var output: String
    var error: String

    /// The lines of standard error.
    var errorLines: [String] {
        error.split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
    }
}

/// Runs the built `bertkit` beside the test bundle, as a user's shell would.
enum Command {
    static let path: String = {
        let tests =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(filePath: tests).deletingLastPathComponent().appending(path: "bertkit").path
    }()

    /// - Parameter environment: Replaces the whole environment, so that a developer's settings do
    ///   not decide what is tested.
    static func run(
        _ arguments: String...,
        environment: [String: String] = [:],
        input: String = ""
    ) throws -> Outcome {
        try run(arguments, environment: environment, input: input)
    }

    static func run(
        _ arguments: [String],
        environment: [String: String] = [:],
        input: String = ""
    ) throws -> Outcome {
        try Folder.temporary { folder in
            let process = Process()
            process.executableURL = URL(filePath: path)
            process.arguments = arguments
            process.environment = environment
            process.currentDirectoryURL = folder
            process.standardInput = try handle(folder, "input", containing: input)
            process.standardOutput = try handle(folder, "output")
            process.standardError = try handle(folder, "error")
            try process.run()
            process.waitUntilExit()
            return Outcome(
                code: process.terminationStatus,
                output: try text(folder, "output"),
                error: try text(folder, "error")
            )
        }
    }

    /// Runs a line of shell in which `$BERTKIT` is the command.
    static func shell(_ line: String) throws -> Outcome {
        try Folder.temporary { folder in
            let process = Process()
            process.executableURL = URL(filePath: "/bin/bash")
            process.arguments = ["-c", line]
            process.environment = ["BERTKIT": path, "PATH": "/usr/bin:/bin"]
            process.currentDirectoryURL = folder
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = try handle(folder, "output")
            process.standardError = try handle(folder, "error")
            try process.run()
            process.waitUntilExit()
            return Outcome(
                code: process.terminationStatus,
                output: try text(folder, "output"),
                error: try text(folder, "error")
            )
        }
    }

    private static func handle(
        _ folder: URL,
        _ name: String,
        containing text: String = ""
    ) throws -> FileHandle {
        let url = folder.appending(path: ".\(name)")
        try Data(text.utf8).write(to: url)
        return try FileHandle(forUpdating: url)
    }

    private static func text(_ folder: URL, _ name: String) throws -> String {
        String(decoding: try Data(contentsOf: folder.appending(path: ".\(name)")), as: UTF8.self)
    }
}

enum Folder {
    /// Lends a fresh folder.
    static func temporary<Result>(_ body: (URL) throws -> Result) throws -> Result {
        let url = FileManager.default.temporaryDirectory
            .appending(path: "bertkit-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        return try body(url)
    }
}
