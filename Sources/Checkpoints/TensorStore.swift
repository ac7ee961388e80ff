public import Diagnostics
public import Foundation
import Glibc
public import Tensors

/// What a store says about one tensor before reading it.
public struct TensorEntry: Sendable, Hashable {
    /// The name in the file.
    public let name: String
    public let shape: Shape
    /// What the elements are read as.
    public let elementType: ElementType
    /// How the bytes are kept, where there is more to say than that they lie in one piece:
    /// `chunked, shuffle, gzip`, `big-endian`.
    public let storage: String
    /// The scales of a tensor that lies in the file as int8 and is read as floats; `nil` for one that
    /// is read as it lies there.
    public let scales: ScaleAxis?

    public init(
        name: String,
        shape: Shape,
        elementType: ElementType,
        storage: String = "",
        scales: ScaleAxis? = nil
    ) {
        self.name = name
        self.shape = shape
        self.elementType = elementType
        self.storage = storage
        self.scales = scales
    }

    /// The bytes of the elements as they are read.
    public var byteCount: Int { shape.count * elementType.byteCount }

    /// How the file encodes the elements, where that is not how they are read.
    public var storedElementType: ElementType { scales == nil ? elementType : .int8 }

    /// The bytes the elements and their scales take in the file when nothing is compressed.
    public var storedByteCount: Int {
        guard let scales else { return byteCount }
        return shape.count + scales.count(of: shape) * ElementType.float32.byteCount
    }
}

/// Where a tensor's elements lie in a file: in one piece, row-major, little-endian, unfiltered.
public struct FileExtent: Sendable {
    public let file: OpenFile
    public let offset: Int

    public init(file: OpenFile, offset: Int) {
        self.file = file
        self.offset = offset
    }
}

/// Named tensors in a file or a set of files.
///
/// Opening a store validates everything but the values, so that reading cannot then discover a
/// malformed file. A store knows nothing of models: names and shapes are the file's.
public protocol TensorStore: Sendable {
    /// The file or folder, as the user spelled it; the subject of every `Failure`.
    var source: String { get }
    /// Which container was recognised, for people.
    var layout: String { get }
    /// Every tensor, in the order the file gives them; no name occurs twice.
    var entries: [TensorEntry] { get }
    /// Every file the tensors are in, an index included.
    var files: [URL] { get }
    /// Layers and groups that hold no tensor, such as dropout layers.
    var weightlessLayers: [String] { get }
    /// What a report should say about the files, as sentences.
    var notes: [String] { get }
    /// The JSON text of a model's configuration, where a file of weights has it inside.
    var embeddedConfiguration: String? { get }

    /// The elements of one entry as its element type says: row-major, little-endian.
    ///
    /// - Precondition: the entry is the store's, and `buffer` holds exactly its bytes.
    func read(
        _ entry: TensorEntry,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Failure)

    /// Where the elements lie; `nil` when they do not lie in one piece, or not as they are read.
    func extent(of entry: TensorEntry) -> FileExtent?
}

extension TensorStore {
    public var weightlessLayers: [String] { [] }
    public var notes: [String] { [] }
    public var embeddedConfiguration: String? { nil }
    public func extent(of entry: TensorEntry) -> FileExtent? { nil }

    /// The bytes of all files.
    public var fileByteCount: Int {
        files.reduce(0) { total, url in
            var status = stat()
            return stat(url.path, &status) == 0 ? total + Int(status.st_size) : total
        }
    }

    /// The tensor of that name as 32-bit floats; a `Failure` when there is none.
    public func tensor(named name: String) throws(Failure) -> Tensor {
        guard let entry = entries.first(where: { $0.name == name }) else {
            throw Failure(.badData, source, "there is no tensor \"\(printable(name))\"")
        }
        return try tensor(entry)
    }

    /// The tensor of an entry of this store as 32-bit floats.
    ///
    /// Throws `badData` when the elements are integers.
    public func tensor(_ entry: TensorEntry) throws(Failure) -> Tensor {
        guard entry.elementType.isFloat else {
            throw Failure(
                .badData,
                source,
                "the tensor \"\(printable(entry.name))\" holds \(entry.elementType.rawValue), not "
                    + "floats"
            )
        }
        var failure: Failure?
        let values = [Float](unsafeUninitializedCapacity: entry.shape.count) { buffer, count in
            let floats = UnsafeMutableBufferPointer(
                start: buffer.baseAddress,
                count: entry.shape.count
            )
            do throws(Failure) {
                try read(entry, asFloatsInto: floats)
                count = entry.shape.count
            } catch {
                failure = error
                count = 0
            }
        }
        if let failure { throw failure }
        return Tensor(shape: entry.shape, values: values)
    }

    private func read(
        _ entry: TensorEntry,
        asFloatsInto floats: UnsafeMutableBufferPointer<Float>
    ) throws(Failure) {
        guard entry.elementType != .float32 else {
            return try read(entry, into: UnsafeMutableRawBufferPointer(floats))
        }
        let bytes = UnsafeMutableRawBufferPointer.allocate(
            byteCount: entry.byteCount,
            alignment: 64
        )
        defer { bytes.deallocate() }
        try read(entry, into: bytes)
        entry.elementType.decode(UnsafeRawBufferPointer(bytes), into: floats)
    }
}
