import Bert
import Diagnostics
import Provenance

extension Provenance {
    /// Of a run: the options, and every file and folder that they name, as it is now.
    ///
    /// - Throws: `Failure` where one cannot be read.
    init(_ run: ResolvedRun) throws(Failure) {
        self.init(version: Tool.version)
        for (option, path) in run.inputs {
            inputs.append(try Input(role: option, path: path))
        }
    }

    /// Of a command without a run file, which read what its arguments name.
    ///
    /// - Throws: `Failure` where one cannot be read.
    init(command: String, _ named: [(role: String, path: String?)]) throws(Failure) {
        self.init(version: Tool.version)
        self.command = command
        for case (let role, let path?) in named {
            inputs.append(try Input(role: role, path: path))
        }
    }

    var file: ModelFolder.File { ModelFolder.File(name: Self.fileName, bytes: bytes) }

    /// What stands beside a model and says nothing of what it answers.
    private static let asides = [".md", ".jsonl", ".yaml", fileName]

    /// The digests as a card lists them, by the option that named the file; of folders without texts
    /// about the model.
    var details: [(name: String, value: String)] {
        inputs.flatMap { input in
            let files = input.files.filter { file in
                input.files.count == 1 || !Self.asides.contains { file.name.hasSuffix($0) }
            }
            return files.map { file in
                (
                    "SHA-256 of \(input.role)",
                    input.files.count == 1 && input.path.hasSuffix(file.name)
                        ? "\(file.sha256) (\(input.path))"
                        : "\(file.sha256) (\(input.path), \(file.name))"
                )
            }
        }
    }
}
