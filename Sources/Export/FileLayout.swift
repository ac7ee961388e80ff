import Checkpoints
import Diagnostics
import Synchronization

/// A file as stretches of settled bytes and, between them, places for tensors.
struct FileLayout {
    private(set) var byteCount = 0
    private(set) var settled: [(offset: Int, bytes: [UInt8])] = []
    /// Where each tensor's bytes lie.
    private(set) var places: [String: Range<Int>] = [:]

    mutating func append(_ bytes: [UInt8]) {
        settled.append((byteCount, bytes))
        byteCount += bytes.count
    }

    /// Leaves room for a tensor and gives where it begins.
    ///
    /// - Precondition: no place has this name yet.
    @discardableResult
    mutating func reserve(_ name: String, byteCount count: Int, alignment: Int = 1) -> Int {
        byteCount = (byteCount + alignment - 1) / alignment * alignment
        let place = byteCount..<byteCount + count
        let other = places.updateValue(place, forKey: name)
        precondition(other == nil, "the name \(name) twice")
        byteCount = place.upperBound
        return place.lowerBound
    }
}

/// The files of an export while tensors are put into their places.
///
/// Gaps between places are left to the file system, which gives zeros.
final class PlacedFiles: TensorSink {
    private let files: [OutputFile]
    private let places: [String: (file: Int, range: Range<Int>)]
    /// How many bytes of each tensor have been written.
    private let written = Mutex<[String: Int]>([:])

    /// Creates the files, and writes what is settled of them.
    init(_ layouts: [(path: String, layout: FileLayout)]) throws(Failure) {
        var files: [OutputFile] = []
        var places: [String: (file: Int, range: Range<Int>)] = [:]
        for (path, layout) in layouts {
            let file = try OutputFile(creating: path)
            try file.reserve(byteCount: layout.byteCount)
            for (offset, bytes) in layout.settled { try file.write(bytes, at: offset) }
            for (name, range) in layout.places { places[name] = (files.count, range) }
            files.append(file)
        }
        (self.files, self.places) = (files, places)
    }

    /// - Precondition: the tensor has a place, and the piece lies in it.
    func write(
        _ bytes: UnsafeRawBufferPointer,
        to name: String,
        at offset: Int
    ) throws(Failure) {
        guard let (file, range) = places[name] else {
            preconditionFailure("\(name) is not to be written")
        }
        precondition(
            offset >= 0 && offset <= range.count && bytes.count <= range.count - offset,
            "\(bytes.count) bytes at \(offset) are not in \(name)"
        )
        try files[file].write(bytes, at: range.lowerBound + offset)
        written.withLock { $0[name, default: 0] += bytes.count }
    }

    func finish() throws(Failure) {
        let written = written.withLock { $0 }
        for (name, place) in places where written[name, default: 0] != place.range.count {
            throw Failure(
                .inputOutput,
                files[place.file].path,
                "not everything was written of \"\(printable(name))\""
            )
        }
        for file in files { try file.close() }
    }
}
