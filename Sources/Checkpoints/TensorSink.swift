public import Diagnostics
import Foundation

/// A file of tensors that is being written: its names and shapes are settled, its values come in
/// any order, from any thread.
public protocol TensorSink: Sendable {
    /// Whether a tensor has to come in one piece, because it is compressed.
    var wantsWholeTensors: Bool { get }

    /// Writes a piece of a tensor: little-endian elements, row-major.
    ///
    /// - Parameter offset: where the piece begins, in bytes from the tensor's beginning.
    func write(
        _ bytes: UnsafeRawBufferPointer,
        to name: String,
        at offset: Int
    ) throws(Failure)

    /// Completes the file. It is good only when this has returned.
    func finish() throws(Failure)
}

extension TensorSink {
    public var wantsWholeTensors: Bool { false }
}

extension SafetensorsWriter: TensorSink {}

/// Several files as one sink.
public struct JoinedSink: TensorSink {
    private let sinks: [any TensorSink]
    private let places: [String: Int]

    /// - Parameter parts: each file with the names of its tensors; no name is in two.
    public init(_ parts: [(sink: any TensorSink, names: [String])]) {
        sinks = parts.map(\.sink)
        var places: [String: Int] = [:]
        for (index, part) in parts.enumerated() {
            for name in part.names { places[name] = index }
        }
        self.places = places
    }

    public var wantsWholeTensors: Bool { sinks.contains { $0.wantsWholeTensors } }

    public func write(
        _ bytes: UnsafeRawBufferPointer,
        to name: String,
        at offset: Int
    ) throws(Failure) {
        guard let place = places[name] else { preconditionFailure("\(name) is not to be written") }
        try sinks[place].write(bytes, to: name, at: offset)
    }

    public func finish() throws(Failure) {
        for sink in sinks { try sink.finish() }
    }
}
