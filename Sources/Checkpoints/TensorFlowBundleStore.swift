public import Diagnostics
public import Foundation
import Tensors

/// The tensors of a TensorFlow checkpoint: `bert_model.ckpt.index` and the data files
/// `bert_model.ckpt.data-00000-of-00001` beside it, as Google's BERT was published.
///
/// The values have checksums, which are compared whenever a tensor is read.
public struct TensorFlowBundleStore: ChecksummedStore {
    public let source: String
    public let layout: String
    /// By name.
    public let entries: [TensorEntry]
    public let notes: [String]
    /// The index and the data files.
    public let files: [URL]

    private let data: [OpenFile]
    private let places: [String: TensorFlowBundleIndex.TensorPlace]
    private let isBigEndian: Bool

    /// Opens an index and its data files, and checks every tensor's place.
    ///
    /// Throws `missingInput` for data files that are not there, all at once.
    ///
    /// - Parameter index: the path of a file whose name ends in `.index`.
    public init(index path: String) throws(Failure) {
        let index = try TensorFlowBundleIndex(try OpenFile(path: path))
        guard path.hasSuffix(Self.suffix) else {
            throw Failure(
                .badData,
                path,
                "this is the index of a TensorFlow checkpoint, but its name does not end in .index, "
                    + "so that its data files cannot be found"
            )
        }
        let prefix = String(path.dropLast(Self.suffix.count))
        let paths = (0..<index.shardCount).map { shard in
            prefix + ".data-\(Self.digits(shard))-of-\(Self.digits(index.shardCount))"
        }
        let missing = paths.filter { !FileManager.default.fileExists(atPath: $0) }
        guard missing.isEmpty else {
            throw Failure(
                .missingInput,
                path,
                "\(missing.count) of the checkpoint's \(paths.count) data files are missing: "
                    + missing.prefix(20).map { printable(($0 as NSString).lastPathComponent) }
                    .joined(separator: ", ")
            )
        }
        let data = try paths.map { (path) throws(Failure) in try OpenFile(path: path) }
        try Self.check(index.tensors, data, path)
        self.data = data
        source = path
        isBigEndian = index.isBigEndian
        layout = "TensorFlow checkpoint" + (data.count > 1 ? " in \(data.count) data files" : "")
        entries = index.tensors.map { place in
            TensorEntry(
                name: place.entry.name,
                shape: place.entry.shape,
                elementType: place.entry.elementType,
                storage: index.isBigEndian ? "big-endian" : ""
            )
        }
        places = Dictionary(index.tensors.map { ($0.entry.name, $0) }) { first, _ in first }
        notes = index.notes
        files = ([path] + paths).map { URL(filePath: $0) }
    }

    private static let suffix = ".index"

    private static func digits(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }

    /// Checks that the tensors lie in their files and on no byte twice.
    private static func check(
        _ tensors: [TensorFlowBundleIndex.TensorPlace],
        _ data: [OpenFile],
        _ path: String
    ) throws(Failure) {
        var (shard, end) = (0, 0)
        var previous = ""
        for tensor in tensors.sorted(by: { ($0.shard, $0.offset) < ($1.shard, $1.offset) })
        where tensor.entry.byteCount > 0 {
            let name = printable(tensor.entry.name)
            if tensor.shard != shard { (shard, end) = (tensor.shard, 0) }
            let file = data[shard]
            guard tensor.offset <= file.byteCount,
                tensor.entry.byteCount <= file.byteCount - tensor.offset
            else {
                throw Failure(
                    .badData,
                    file.path,
                    "truncated: the tensor \"\(name)\" has \(tensor.entry.byteCount) bytes at "
                        + "\(tensor.offset), the file has \(file.byteCount)",
                    remedy: "Fetch or copy it again"
                )
            }
            guard tensor.offset >= end else {
                throw Failure(
                    .badData,
                    path,
                    "the tensor \"\(name)\" overlaps \"\(previous)\" in the data"
                )
            }
            end = tensor.offset + tensor.entry.byteCount
            previous = name
        }
    }

    /// The index that a checkpoint's prefix (`bert_model.ckpt`) or one of its data files stands for.
    static func index(for url: URL) -> URL? {
        let name = url.lastPathComponent
        var prefix = name
        if let match = name.firstMatch(of: /\.data-\d{5}-of-\d{5}$/) {
            prefix = String(name[..<match.range.lowerBound])
        } else if FileManager.default.fileExists(atPath: url.path) {
            return nil
        }
        let index = url.deletingLastPathComponent().appending(path: prefix + suffix)
        return FileManager.default.fileExists(atPath: index.path) ? index : nil
    }

    public func read(
        _ entry: TensorEntry,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Failure) {
        let place = place(of: entry)
        guard place.entry.byteCount > 0 else { return }
        let file = data[place.shard]
        var check: UInt32 = 0
        // In pieces that are still in the cache when they are checked.
        for start in stride(from: 0, to: buffer.count, by: 1 << 18) {
            let piece = UnsafeMutableRawBufferPointer(
                rebasing: buffer[start..<min(start + (1 << 18), buffer.count)]
            )
            try file.read(at: place.offset + start, into: piece)
            check = CyclicRedundancyCheck.castagnoli.update(check, UnsafeRawBufferPointer(piece))
        }
        guard CyclicRedundancyCheck.masked(check) == place.checksum else {
            throw Failure(
                .badData,
                file.path,
                "the tensor \"\(printable(entry.name))\" is damaged: its checksum does not agree with "
                    + "the index",
                remedy: "Fetch or copy it again"
            )
        }
        if isBigEndian { place.entry.elementType.swapBytes(buffer) }
    }

    public func extent(of entry: TensorEntry) -> FileExtent? {
        let place = place(of: entry)
        guard !isBigEndian, place.entry.byteCount > 0 else { return nil }
        return FileExtent(file: data[place.shard], offset: place.offset)
    }

    public func checkValues() throws(Failure) {
        for entry in entries {
            let buffer = UnsafeMutableRawBufferPointer.allocate(
                byteCount: entry.byteCount,
                alignment: 64
            )
            defer { buffer.deallocate() }
            try read(entry, into: buffer)
        }
    }

    private func place(of entry: TensorEntry) -> TensorFlowBundleIndex.TensorPlace {
        guard let place = places[entry.name] else {
            preconditionFailure("\(entry.name) is not an entry of \(source)")
        }
        return place
    }
}
