public import Diagnostics
public import Tensors

/// What a store says about one tensor before reading it.
public struct TensorEntry: Sendable, Hashable {
    /// The name in the file.
    public let name: String
    public let shape: Shape
    /// How the file encodes the elements; reading always gives 32-bit floats.
    public let elementType: ElementType

    public init(name: String, shape: Shape, elementType: ElementType) {
        self.name = name
        self.shape = shape
        self.elementType = elementType
    }

    /// The bytes the elements take when nothing is compressed.
    public var byteCount: Int { shape.count * elementType.byteCount }
}

/// Named tensors in a file or a set of files.
///
/// Opening a store validates everything but the values, so that reading cannot then discover a
/// malformed file.
public protocol TensorStore: Sendable {
    /// The file or folder, as the user spelled it; the subject of every `Failure`.
    var source: String { get }
    /// Which layout was recognised, for people.
    var layout: String { get }
    /// Every tensor, in the order the file gives them.
    var entries: [TensorEntry] { get }
    /// The values of one entry, converted to 32-bit floats, written to `buffer`.
    ///
    /// - Precondition: `name` is an entry's, and `buffer` holds exactly its elements.
    func read(_ name: String, into buffer: UnsafeMutableBufferPointer<Float>) throws(Failure)
}

extension TensorStore {
    /// The tensor of that name; a `Failure` when there is none.
    public func tensor(named name: String) throws(Failure) -> Tensor {
        guard let entry = entries.first(where: { $0.name == name }) else {
            throw Failure(.badData, source, "there is no tensor \"\(printable(name))\"")
        }
        return try tensor(entry)
    }

    /// The tensor of an entry of this store.
    public func tensor(_ entry: TensorEntry) throws(Failure) -> Tensor {
        var failure: Failure?
        let values = [Float](unsafeUninitializedCapacity: entry.shape.count) { buffer, count in
            do throws(Failure) {
                try read(
                    entry.name,
                    into: UnsafeMutableBufferPointer(
                        start: buffer.baseAddress,
                        count: entry.shape.count
                    )
                )
                count = entry.shape.count
            } catch {
                failure = error
                count = 0
            }
        }
        if let failure { throw failure }
        return Tensor(shape: entry.shape, values: values)
    }
}
