public import Diagnostics
public import Foundation
import Glibc
public import Tensors

/// Tensors in memory as a store, to be written by what writes stores.
public struct MemoryStore: TensorStore {
    public let source: String
    public let layout = "memory"
    public let entries: [TensorEntry]
    public var files: [URL] { [] }

    private let tensors: [String: Tensor]
    private let bytes: [String: [Int8]]

    /// - Parameter bytes: tensors of int8, row-major.
    /// - Precondition: no name occurs twice.
    public init(
        source: String,
        _ tensors: [(name: String, tensor: Tensor)],
        bytes: [(name: String, shape: Shape, values: [Int8])] = []
    ) {
        self.source = source
        self.tensors = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.tensor) })
        self.bytes = Dictionary(uniqueKeysWithValues: bytes.map { ($0.name, $0.values) })
        entries =
            tensors.map {
                TensorEntry(name: $0.name, shape: $0.tensor.shape, elementType: .float32)
            } + bytes.map { TensorEntry(name: $0.name, shape: $0.shape, elementType: .int8) }
    }

    public func read(
        _ entry: TensorEntry,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Failure) {
        if let tensor = tensors[entry.name] {
            tensor.values.withUnsafeBytes { buffer.copyMemory(from: $0) }
        } else if let values = bytes[entry.name] {
            values.withUnsafeBytes { buffer.copyMemory(from: $0) }
        } else {
            preconditionFailure("\(entry.name) is not an entry of \(source)")
        }
    }
}

extension Tensor {
    /// Equality of the bits, which tells 0 from -0 and holds for NaN.
    package func isBitEqual(to other: Tensor) -> Bool {
        guard values.count == other.values.count, !values.isEmpty else {
            return values.count == other.values.count
        }
        return values.withUnsafeBytes { bytes in
            other.values.withUnsafeBytes {
                memcmp(bytes.baseAddress!, $0.baseAddress!, bytes.count) == 0
            }
        }
    }
}
