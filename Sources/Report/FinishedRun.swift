import Checkpoints
public import Diagnostics
public import Evaluation
public import Foundation

/// What a training run left in its folder.
public struct FinishedRun: Sendable {
    /// A measure over the steps.
    public struct Curve: Sendable {
        public var name: String
        public var points: [(step: Double, value: Double)]
    }

    public var name: String
    public var command: String?
    /// The recipe as YAML.
    public var recipe: String?
    /// What went in, with digests.
    public var inputs: [(name: String, value: String)] = []
    public var curves: [Curve] = []
    /// The comparison on the development data.
    public var comparison: ComparisonReport

    /// The most points of a curve; longer ones are means of neighbours.
    private static let pointCount = 200

    /// Reads a folder that `distill` or `finetune` wrote.
    ///
    /// - Throws: `Failure` where it is not a whole one.
    public init(contentsOf url: URL) throws(Failure) {
        let path = url.relativePath
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
            throw Failure(.missingInput, path, "there is no such folder")
        }
        guard isFolder.boolValue else {
            throw Failure(.badData, path, "expected the folder of a finished run, found a file")
        }
        func bytes(_ name: String) -> [UInt8]? {
            (try? Data(contentsOf: url.appending(path: name))).map(Array.init)
        }
        guard let provenance = bytes("provenance.json") else {
            throw Failure(
                .badData,
                path,
                "there is no provenance.json, so it is not the folder of a finished run",
                remedy: "Name a folder that bertkit distill or finetune wrote"
            )
        }
        let source = path + "/provenance.json"
        guard case .object(let fields) = try JSONValue.parse(provenance, source: source) else {
            throw Failure(.badData, source, "expected a JSON object")
        }
        guard let results = fields["results"],
            let comparison = try? JSONDecoder().decode(
                ComparisonReport.self,
                from: Data(results.text().utf8)
            )
        else {
            throw Failure(
                .badData,
                source,
                "it holds no comparison on development data: \"results\" is missing or of another kind",
                remedy: "Compare the models with bertkit evaluate --report"
            )
        }
        name = url.standardizedFileURL.lastPathComponent
        self.comparison = comparison
        if case .string(let text)? = fields["command"] { command = text }
        recipe = bytes("recipe.yaml").map { String(decoding: $0, as: UTF8.self) }
        inputs = Self.inputs(fields["inputs"])
        if let log = bytes("metrics.jsonl") {
            curves = try Self.curves(log, source: path + "/metrics.jsonl")
        }
    }

    private static func inputs(_ value: JSONValue?) -> [(name: String, value: String)] {
        guard case .array(let inputs)? = value else { return [] }
        return inputs.flatMap { input -> [(name: String, value: String)] in
            guard case .object(let input) = input, case .string(let role)? = input["role"],
                case .string(let path)? = input["path"], case .array(let files)? = input["files"]
            else { return [] }
            return files.compactMap { file in
                guard case .object(let file) = file, case .string(let name)? = file["name"],
                    case .string(let digest)? = file["sha256"]
                else { return nil }
                return (role, "\(path)\(path.hasSuffix(name) ? "" : "/\(name)"), SHA-256 \(digest)")
            }
        }
    }

    /// Every number of a log by step; names have the stage before them where there are several.
    private static func curves(_ log: [UInt8], source: String) throws(Failure) -> [Curve] {
        var order: [String] = []
        var points: [String: [(step: Double, value: Double)]] = [:]
        for (index, line) in log.split(separator: 0x0A).enumerated() {
            let place = "\(source), line \(index + 1)"
            guard case .object(let fields) = try JSONValue.parse(Array(line), source: place),
                let step = number(fields["step"])
            else { throw Failure(.badData, place, "expected an object with a step") }
            var stage = ""
            if case .string(let name)? = fields["stage"] { stage = name + ": " }
            var values = fields
            if case .object(let terms)? = fields["terms"] {
                values.removeValue(forKey: "terms")
                for (name, value) in terms where terms.count > 1 { values["\(name) loss"] = value }
            }
            for (name, value) in values.sorted(by: { $0.key < $1.key })
            where name != "step" && name != "epoch" {
                guard let value = number(value) else { continue }
                let title = stage + name.split(separator: "_").joined(separator: " ")
                if points[title] == nil { order.append(title) }
                points[title, default: []].append((step, value))
            }
        }
        return order.map { Curve(name: $0, points: thinned(points[$0] ?? [])) }
    }

    private static func number(_ value: JSONValue?) -> Double? {
        switch value {
        case .integer(let value)?: Double(value)
        case .number(let value)?: value
        default: nil
        }
    }

    private static func thinned(
        _ points: [(step: Double, value: Double)]
    ) -> [(step: Double, value: Double)] {
        guard points.count > pointCount else { return points }
        return (0..<pointCount).map { index in
            let members = points[
                index * points.count / pointCount..<(index + 1) * points.count / pointCount
            ]
            let count = Double(members.count)
            return (
                members.reduce(0) { $0 + $1.step } / count,
                members.reduce(0) { $0 + $1.value } / count
            )
        }
    }
}
