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

    /// - Precondition: no name occurs twice.
    public init(source: String, _ tensors: [(name: String, tensor: Tensor)]) {
        self.source = source
        self.tensors = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.tensor) })
        entries = tensors.map {
            TensorEntry(name: $0.name, shape: $0.tensor.shape, elementType: .float32)
        }
    }

    public func read(
        _ entry: TensorEntry,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Failure) {
        guard let tensor = tensors[entry.name] else {
            preconditionFailure("\(entry.name) is not an entry of \(source)")
        }
        tensor.values.withUnsafeBytes { buffer.copyMemory(from: $0) }
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
