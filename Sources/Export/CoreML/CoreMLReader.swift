import Checkpoints
import Diagnostics
import Foundation
import Tensors

/// Finds the tensors of a written package by its own bytes: the program names them, and says where in the file
/// of weights each is described.
struct CoreMLReader {
    private let model: OpenFile
    private let weights: OpenFile

    /// - Parameter url: `model.mlmodel`.
    static func open(_ url: URL) throws(Failure) -> ExportedStore {
        let weights = url.deletingLastPathComponent().appending(path: "weights/weight.bin")
        let reader = CoreMLReader(
            model: try OpenFile(path: url.path),
            weights: try OpenFile(path: weights.path)
        )
        return ExportedStore(url, layout: "Core ML", try reader.tensors())
    }

    /// Model, Program, functions, Function, specialisations, Block: the fields that lead to the operations;
    /// a map's entry has its value in field 2.
    private static let path: [UInt64] = [502, 2, 2, 3, 2, 3]

    private func tensors() throws(Failure) -> [(entry: TensorEntry, extent: FileExtent)] {
        var messages = [0..<model.byteCount]
        for field in Self.path {
            var inner: [Range<Int>] = []
            for message in messages { inner += try fields(field, of: message) }
            messages = inner
        }
        var tensors: [(entry: TensorEntry, extent: FileExtent)] = []
        for operation in messages {
            for attribute in try fields(5, of: operation) {
                for value in try fields(2, of: attribute) {
                    for place in try fields(5, of: value) {
                        tensors.append(try tensor(operation, value, place))
                    }
                }
            }
        }
        return tensors
    }

    /// - Parameters:
    ///   - value: Value.
    ///   - place: BlobFileValue.
    private func tensor(
        _ operation: Range<Int>,
        _ value: Range<Int>,
        _ place: Range<Int>
    ) throws(Failure) -> (entry: TensorEntry, extent: FileExtent) {
        let cursor = FileCursor(model, operation)
        guard let output = try fields(3, of: operation).first,
            let text = try fields(1, of: output).first,
            let valueType = try fields(2, of: value).first,
            let type = try fields(1, of: valueType).first,
            let offset = try number(2, of: place)
        else { throw cursor.problem("a constant has no name, type or place") }
        let name = String(decoding: try model.bytes(text), as: UTF8.self)
        var dimensions: [Int] = []
        for dimension in try fields(3, of: type) {
            guard let size = try fields(1, of: dimension).first else {
                throw cursor.problem("\(printable(name)) has an open extent")
            }
            dimensions.append(try number(1, of: size) ?? 0)
        }
        var description = FileCursor(weights, offset..<weights.byteCount)
        let sentinel = try description.number(byteCount: 4)
        let code = UInt32(try description.number(byteCount: 4))
        let byteCount = try description.number(byteCount: 8)
        let start = try description.number(byteCount: 8)
        guard sentinel == UInt64(CoreMLWeights.sentinel),
            let stored = CoreMLWeights.DataType(rawValue: code)
        else { throw description.problem("there is no tensor at byte \(offset)") }
        let entry = TensorEntry(
            name: name,
            shape: Shape(dimensions),
            elementType: stored.elementType
        )
        guard byteCount == UInt64(entry.byteCount),
            start + byteCount <= UInt64(weights.byteCount)
        else { throw description.problem("\(printable(name)) does not have its bytes") }
        return (entry, FileExtent(file: weights, offset: Int(start)))
    }

    /// The ranges of a message's fields of this number that have a length.
    private func fields(_ wanted: UInt64, of message: Range<Int>) throws(Failure) -> [Range<Int>] {
        var cursor = FileCursor(model, message)
        var found: [Range<Int>] = []
        while !cursor.isAtEnd {
            if case (wanted, .bytes(let range)) = try cursor.protobufField() { found.append(range) }
        }
        return found
    }

    private func number(_ wanted: UInt64, of message: Range<Int>) throws(Failure) -> Int? {
        var cursor = FileCursor(model, message)
        while !cursor.isAtEnd {
            if case (wanted, .number(let number)) = try cursor.protobufField() {
                return Int(exactly: number)
            }
        }
        return nil
    }
}
