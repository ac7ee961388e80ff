public import Checkpoints
public import Diagnostics

/// Where a written folder comes from: the content of its `provenance.json`.
public struct Provenance: Sendable {
    /// A file or folder that went into it.
    public struct Input: Sendable {
        /// The option that named it, such as `teacher`.
        public let role: String
        /// As the user spelled it.
        public let path: String
        public let files: [FileDigest]

        /// Reads what is there.
        ///
        /// - Throws: `Failure` where a file cannot be read.
        public init(role: String, path: String) throws(Failure) {
            (self.role, self.path) = (role, path)
            files = try FileDigest.all(at: path)
        }
    }

    public static let fileName = "provenance.json"

    /// The tool's version.
    public var version: String
    /// The command that makes the same again.
    public var command: String?
    /// Every option with its values, in the order of the help screen.
    public var options: [(name: String, values: [String])] = []
    public var inputs: [Input] = []
    /// What was measured; nil where nothing was.
    public var results: JSONValue?

    public init(version: String) { self.version = version }

    public func json() -> JSONValue {
        var fields: [String: JSONValue] = [
            "format_version": .integer(1),
            "tool": .object(["name": .string("bertkit"), "version": .string(version)]),
            "inputs": .array(inputs.map(Self.json)),
        ]
        if let command { fields["command"] = .string(command) }
        if !options.isEmpty {
            let values = options.map { option in
                (
                    option.name,
                    option.values.count == 1
                        ? JSONValue.string(option.values[0])
                        : .array(option.values.map(JSONValue.string))
                )
            }
            fields["options"] = .object(Dictionary(values) { first, _ in first })
        }
        if let results { fields["results"] = results }
        return .object(fields)
    }

    /// The file's bytes.
    public var bytes: [UInt8] { Array((json().text() + "\n").utf8) }

    private static func json(_ input: Input) -> JSONValue {
        .object([
            "role": .string(input.role),
            "path": .string(input.path),
            "files": .array(
                input.files.map { file in
                    .object([
                        "name": .string(file.name),
                        "bytes": .integer(file.byteCount),
                        "sha256": .string(file.sha256),
                    ])
                }
            ),
        ])
    }
}
