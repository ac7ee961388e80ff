public import Diagnostics
import Synchronization
import Tensors

/// Writes a safetensors file whose tensors arrive in any order, in pieces, from any thread.
///
/// The header is known before the first element is: the file is laid out and given its length at
/// once, and every piece is written at its place. The layout is the reference library's, so that equal
/// tensors give a file of equal bytes: larger elements first, then by name.
public final class SafetensorsWriter: Sendable {
    /// What is written, in the order in which it lies in the file.
    public let entries: [TensorEntry]
    /// Of the whole file.
    public let byteCount: Int

    private let file: OutputFile
    private let places: [String: Place]
    private let written: Mutex<[WrittenRanges]>

    private struct Place {
        let index: Int
        /// In the file.
        let offset: Int
        let byteCount: Int
    }

    /// Creates the file, writes its header and reserves its room.
    ///
    /// Throws `cannotCreate` or `inputOutput`.
    ///
    /// - Parameters:
    ///   - path: of a file that does not exist.
    ///   - tensors: their names, shapes and element types, in any order.
    ///   - metadata: `format` tells readers whose names and orientation these are.
    /// - Precondition: no name is empty, is `__metadata__` or occurs twice.
    public init(
        creating path: String,
        tensors: [TensorEntry],
        metadata: [String: String] = ["format": "pt"]
    ) throws(Failure) {
        entries = tensors.sorted { first, second in
            let (rank, other) = (first.elementType.fileRank, second.elementType.fileRank)
            return rank == other
                ? first.name.utf8.lexicographicallyPrecedes(second.name.utf8) : rank > other
        }
        let header = Self.header(entries, metadata)
        var places: [String: Place] = [:]
        var offset = header.count
        for (index, entry) in entries.enumerated() {
            precondition(!entry.name.isEmpty && entry.name != "__metadata__", "not a tensor's name")
            let place = Place(index: index, offset: offset, byteCount: entry.byteCount)
            let previous = places.updateValue(place, forKey: entry.name)
            precondition(previous == nil, "the name \(entry.name) twice")
            offset += place.byteCount
        }
        self.places = places
        byteCount = offset
        written = Mutex(Array(repeating: WrittenRanges(), count: entries.count))
        file = try OutputFile(creating: path)
        try file.reserve(byteCount: byteCount)
        try file.write(header, at: 0)
    }

    /// The header's length and the header, padded so that the data begins at a multiple of 8.
    private static func header(_ entries: [TensorEntry], _ metadata: [String: String]) -> [UInt8] {
        var members: [String] = []
        if !metadata.isEmpty {
            let texts = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
                .map { JSONValue.quoted($0.key) + ":" + JSONValue.quoted($0.value) }
            members.append("\"__metadata__\":{\(texts.joined(separator: ","))}")
        }
        var offset = 0
        for entry in entries {
            let end = offset + entry.byteCount
            let shape = entry.shape.dimensions.map(String.init).joined(separator: ",")
            members.append(
                JSONValue.quoted(entry.name)
                    + ":{\"dtype\":\"\(entry.elementType.safetensorsName)\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(offset),\(end)]}"
            )
            offset = end
        }
        var header = Array("{\(members.joined(separator: ","))}".utf8)
        header += Array(repeating: 0x20, count: (8 - header.count % 8) % 8)
        return (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) } + header
    }

    /// Writes a piece of a tensor: little-endian elements, row-major.
    ///
    /// - Parameter offset: where the piece begins, in bytes from the tensor's beginning.
    /// - Precondition: the tensor is one of `entries`, the piece lies in it, and the file is not
    ///   finished.
    public func write(
        _ bytes: UnsafeRawBufferPointer,
        to name: String,
        at offset: Int = 0
    ) throws(Failure) {
        guard let place = places[name] else { preconditionFailure("\(name) is not to be written") }
        precondition(
            offset >= 0 && offset <= place.byteCount && bytes.count <= place.byteCount - offset,
            "\(bytes.count) bytes at \(offset) are not in \(name)"
        )
        guard !bytes.isEmpty else { return }
        try file.write(bytes, at: place.offset + offset)
        written.withLock { $0[place.index].insert(offset..<offset + bytes.count) }
    }

    /// Checks that every byte of every tensor was written, and closes the file.
    ///
    /// Throws `inputOutput`.
    ///
    /// - Precondition: it is called once, when no thread writes any more.
    public func finish() throws(Failure) {
        let ranges = written.withLock { $0 }
        let unwritten = zip(entries, ranges).filter { entry, ranges in
            entry.byteCount > 0 && ranges.ranges != [0..<entry.byteCount]
        }
        guard unwritten.isEmpty else {
            throw Failure(
                .inputOutput,
                file.path,
                "not everything was written of "
                    + unwritten.map { "\"\(printable($0.0.name))\"" }.joined(separator: ", ")
            )
        }
        try file.close()
    }
}

/// Which bytes of one tensor were written.
struct WrittenRanges {
    /// Sorted; no two touch.
    private(set) var ranges: [Range<Int>] = []

    mutating func insert(_ range: Range<Int>) {
        // Nearly always the piece follows the last one.
        if let last = ranges.last, last.upperBound == range.lowerBound {
            ranges[ranges.count - 1] = last.lowerBound..<range.upperBound
            return
        }
        let first = ranges.firstIndex { $0.upperBound >= range.lowerBound } ?? ranges.count
        let end = ranges[first...].firstIndex { $0.lowerBound > range.upperBound } ?? ranges.count
        var merged = range
        for touched in ranges[first..<end] {
            let start = min(merged.lowerBound, touched.lowerBound)
            merged = start..<max(merged.upperBound, touched.upperBound)
        }
        ranges.replaceSubrange(first..<end, with: [merged])
    }
}

extension ElementType {
    /// The reference library's order of element types, which puts the largest first.
    fileprivate var fileRank: Int {
        switch self {
        case .bool: 0
        case .uint8: 1
        case .int8: 2
        case .int16: 3
        case .uint16: 4
        case .float16: 5
        case .bfloat16: 6
        case .int32: 7
        case .uint32: 8
        case .float32: 9
        case .float64: 10
        case .int64: 11
        case .uint64: 12
        }
    }
}
