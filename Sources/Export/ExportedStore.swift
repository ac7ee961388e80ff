import Checkpoints
import Diagnostics
import Foundation
import Tensors

/// The tensors of an exported file, as they lie in it; blocks of GGML are rows of bytes.
struct ExportedStore: TensorStore {
    let source: String
    let layout: String
    let files: [URL]
    let entries: [TensorEntry]
    private let extents: [String: FileExtent]

    init(
        _ url: URL,
        layout: String,
        _ tensors: [(entry: TensorEntry, extent: FileExtent)]
    ) {
        source = url.relativePath
        self.layout = layout
        files = [url]
        entries = tensors.map(\.entry)
        extents = Dictionary(tensors.map { ($0.entry.name, $0.extent) }) { first, _ in first }
    }

    func extent(of entry: TensorEntry) -> FileExtent? { extents[entry.name] }

    /// The bytes of a tensor as they lie in the file.
    func bytes(_ entry: TensorEntry) throws(Failure) -> [UInt8] {
        guard let extent = extents[entry.name] else {
            preconditionFailure("\(entry.name) is not an entry of \(source)")
        }
        return try extent.file.bytes(extent.offset..<extent.offset + entry.byteCount)
    }

    func read(
        _ entry: TensorEntry,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Failure) {
        guard let extent = extents[entry.name] else {
            preconditionFailure("\(entry.name) is not an entry of \(source)")
        }
        try extent.file.read(at: extent.offset, into: buffer)
    }
}
