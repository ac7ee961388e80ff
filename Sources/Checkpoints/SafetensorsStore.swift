public import Diagnostics
public import Foundation
import Tensors

/// The tensors of a safetensors file.
///
/// The layout: the header's length as eight little-endian bytes, the header as a JSON object, padded
/// with spaces, then the tensors' bytes. Rules: those of the reference library
/// (github.com/huggingface/safetensors), whose header names each tensor's `dtype`, `shape` and
/// `data_offsets`, and whose tensors cover the data without a hole and without an overlap.
public struct SafetensorsStore: TensorStore {
    public let source: String
    public let layout = "safetensors"
    /// In the order of the bytes.
    public let entries: [TensorEntry]
    /// The header's `__metadata__`: `format` is `pt` for PyTorch's orientation and names, `tf` for
    /// TensorFlow's.
    public let metadata: [String: String]
    public var files: [URL] { [URL(filePath: source)] }

    private let file: OpenFile
    private let offsets: [String: Int]

    /// Opens a file and checks its header; no tensor is read.
    ///
    /// Throws `badData` for the first rule that is broken, `missingInput` when there is no such file.
    public init(path: String) throws(Failure) {
        let file = try OpenFile(path: path)
        let header = try SafetensorsHeader(file)
        source = path
        self.file = file
        metadata = header.metadata
        entries = header.tensors.map(\.entry)
        offsets = Dictionary(
            header.tensors.map { ($0.entry.name, $0.offset) }
        ) { first, _ in first }
    }

    public func read(
        _ entry: TensorEntry,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Failure) {
        try file.read(at: offset(of: entry), into: buffer)
    }

    public func extent(of entry: TensorEntry) -> FileExtent? {
        FileExtent(file: file, offset: offset(of: entry))
    }

    private func offset(of entry: TensorEntry) -> Int {
        guard let offset = offsets[entry.name] else {
            preconditionFailure("\(entry.name) is not an entry of \(source)")
        }
        return offset
    }
}
