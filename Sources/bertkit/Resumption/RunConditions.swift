import Diagnostics
import Kernels
import Provenance

/// What a run's bits depend on.
struct RunConditions: Codable {
    struct Option: Codable, Equatable {
        var name: String
        var values: [String]
    }

    struct Input: Codable, Equatable {
        var path: String
        var file: String
        var sha256: String
    }

    var version: String
    var processor: String
    /// What carries out products.
    var products: String
    var options: [Option]
    var inputs: [Input]

    /// Options that say where and how it runs, not what it gives.
    static let indifferent: Set<String> = [
        "output", "cache", "workers", "memory-limit", "save-every", "keep-states",
    ]

    init(_ run: ResolvedRun, _ provenance: Provenance, precision: Precision) {
        version = Tool.version
        processor = Machine.processor
        products = precision.explanation
        options = run.entries.filter { !Self.indifferent.contains($0.name) }
            .map { Option(name: $0.name, values: $0.values) }
        inputs = provenance.inputs.flatMap { input in
            input.files.map { Input(path: input.path, file: $0.name, sha256: $0.sha256) }
        }
    }

    /// Refuses to go on with other options or other data than these.
    ///
    /// - Throws: `Failure` that names the first difference.
    func check(_ now: RunConditions, of path: String) throws(Failure) {
        func refusal(_ what: String) -> Failure {
            Failure(
                .badData,
                path,
                what,
                remedy: "Put it back as it was, or start the run anew with --force"
            )
        }
        for name in Set((options + now.options).map(\.name)).sorted() {
            func values(_ options: [Option]) -> String? {
                options.first { $0.name == name }?.values.joined(separator: ", ")
            }
            let (then, now) = (values(options), values(now.options))
            guard then != now else { continue }
            throw refusal(
                "the run was saved with --\(name) \(printable(then ?? "left out")), and now it is "
                    + printable(now ?? "left out")
            )
        }
        for input in inputs {
            let own = now.inputs.first { $0.path == input.path && $0.file == input.file }
            guard own != input else { continue }
            let name = input.path.hasSuffix(input.file) ? input.path : "\(input.path)/\(input.file)"
            throw refusal(
                own.map {
                    "\(printable(name)) has changed since the run was saved: its SHA-256 was "
                        + "\(input.sha256.prefix(16))… and is \($0.sha256.prefix(16))…"
                } ?? "\(printable(name)), which the run read, is no longer there"
            )
        }
        if let new = now.inputs.first(where: { input in
            !inputs.contains { $0.path == input.path && $0.file == input.file }
        }) {
            throw refusal(
                "\(printable(new.path)) has a file \(printable(new.file)) that was not there when the run was "
                    + "saved"
            )
        }
    }

    /// What may make the bits of the rest others than they would have been.
    func doubts(_ now: RunConditions) -> [String] {
        [
            ("processor", processor, now.processor),
            ("matrix products", products, now.products),
            ("version of bertkit", version, now.version),
        ].compactMap { what, then, now in
            guard then != now else { return nil }
            return
                "the \(what) was \(printable(then)) and is \(printable(now)): what comes now may differ in "
                + "its last bits from what the run would have given"
        }
    }
}
