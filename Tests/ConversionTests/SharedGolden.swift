import Checkpoints
import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

/// A case of a `golden.json`: what a library computed for a padded batch.
struct SharedGolden: Sendable {
    let name: String
    /// Why the case is not to be judged; `nil` for one that is.
    let edge: String?
    let ids: [[Int32]]
    let tokenTypes: [[Int32]]
    /// For each sequence the positions that are attended to.
    let attended: [[Int]]
    let outputs: [String: Tensor]

    static let folder = (Fixtures.shared ?? Fixtures.folder).appending(path: "checkpoints")

    /// The folders that have golden outputs; empty where the checkpoints are absent.
    static let folders: [String] = {
        let kinds = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return kinds.flatMap { kind in
            let names = try? FileManager.default.contentsOfDirectory(
                atPath: folder.appending(path: kind).path
            )
            return (names ?? []).map { "\(kind)/\($0)" }
        }.filter {
            FileManager.default.fileExists(atPath: folder.appending(path: "\($0)/golden.json").path)
        }.sorted()
    }()

    static func cases(of name: String) throws -> [SharedGolden] {
        let url = folder.appending(path: "\(name)/golden.json")
        let value = try JSONValue.parse(readFile(url), source: url.path)
        guard case .object(let members) = value, case .array(let cases)? = members["cases"] else {
            throw Failure(.badData, url.path, "there are no cases")
        }
        return try cases.map { try SharedGolden($0, url.path) }
    }

    private init(_ value: JSONValue, _ source: String) throws {
        guard case .object(let members) = value, case .string(let name)? = members["name"],
            let ids = members["input_ids"]?.matrix, let mask = members["attention_mask"]?.matrix,
            case .object(let outputs)? = members["outputs"]
        else { throw Failure(.badData, source, "a case lacks a member") }
        self.name = name
        if case .string(let reason)? = members["edge"] { edge = reason } else { edge = nil }
        self.ids = ids
        tokenTypes =
            members["token_type_ids"]?.matrix ?? ids.map { $0.map { _ in 0 } }
        attended = mask.map { row in row.indices.filter { row[$0] == 1 } }
        var tensors: [String: Tensor] = [:]
        for case (let output, .object(let fields)) in outputs where !output.hasSuffix("_f64") {
            guard let shape = fields["shape"]?.integers, let data = fields["data"]?.numbers else {
                continue
            }
            tensors[output] = Tensor(shape: Shape(shape), values: data)
        }
        self.outputs = tensors
    }
}

extension JSONValue {
    fileprivate var integers: [Int]? {
        guard case .array(let elements) = self else { return nil }
        return elements.compactMap { if case .integer(let number) = $0 { number } else { nil } }
    }

    fileprivate var matrix: [[Int32]]? {
        guard case .array(let rows) = self else { return nil }
        return rows.compactMap { $0.integers?.map { Int32($0) } }
    }

    /// Every number of nested lists, row-major.
    fileprivate var numbers: [Float]? {
        switch self {
        case .number(let number): return [Float(number)]
        case .integer(let number): return [Float(number)]
        case .array(let elements):
            var values: [Float] = []
            for element in elements { values += element.numbers ?? [] }
            return values
        default: return nil
        }
    }
}
