public import Diagnostics

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
