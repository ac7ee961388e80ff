public import Diagnostics
public import Foundation
import Tensors

/// The tensors of a state dict that `torch.save` wrote: `pytorch_model.bin`.
///
/// Since PyTorch 1.6 that is a zip archive: `ROOT/data.pkl`, a pickle that names tensors as views of
/// storages, `ROOT/data/KEY`, the storages, and `ROOT/byteorder`. Before, it was a row of pickles with
/// the storages behind them. Of the pickle only what a state dict needs is understood; nothing of it
/// is executed. Source: `torch/serialization.py`.
public struct PyTorchStore: ChecksummedStore {
    public let source: String
    public let layout: String
    /// In the order of the state dict.
    public let entries: [TensorEntry]
    public let notes: [String]
    public var files: [URL] { [URL(filePath: source)] }

    private let file: OpenFile
    private let views: [String: StridedView]
    private let isBigEndian: Bool
    /// `nil` for the old format, which has no checksums.
    private let archive: ZipArchive?

    /// Opens a file and checks every tensor against its storage; no value is read.
    ///
    /// Throws `badData` for anything but a state dict, or a dictionary that holds one.
    public init(path: String) throws(Failure) {
        let file = try OpenFile(path: path)
        let head = try file.bytes(0..<min(2, file.byteCount))
        let content =
            head == [0x50, 0x4B]
            ? try PyTorchContent(archive: file) : try PyTorchContent(legacy: file)
        source = path
        self.file = file
        archive = content.archive
        layout = archive == nil ? "PyTorch state dict (before 1.6)" : "PyTorch state dict"
        isBigEndian = content.isBigEndian

        var entries: [TensorEntry] = []
        var views: [String: StridedView] = [:]
        var namesByPlace: [[Int]: [String]] = [:]
        for (name, tensor) in content.stateDict.tensors {
            let storage = content.heap.storages[tensor.storage]
            let offset = try content.offset(of: storage, file)
            let view = try StridedView(tensor, of: storage, at: offset, name, path)
            var form = view.isContiguous ? [] : ["strided"]
            if content.isBigEndian { form.append("big-endian") }
            entries.append(
                TensorEntry(
                    name: name,
                    shape: view.shape,
                    elementType: view.elementType,
                    storage: form.joined(separator: ", ")
                )
            )
            views[name] = view
            if view.span > 0 {
                namesByPlace[[view.offset, view.span] + view.strides, default: []].append(name)
            }
        }
        try Self.checkTotal(entries, file)
        self.entries = entries
        self.views = views
        let shared = namesByPlace.values.filter { $0.count > 1 }.map { $0.sorted() }
            .sorted { $0[0] < $1[0] }
        notes =
            content.stateDict.notes
            + shared.map {
                "one tensor under several names: \($0.map(printable).joined(separator: ", "))"
            }
    }

    /// How many times the file's bytes its tensors may have together. Tied weights are some tensors
    /// twice; thousands of tensors of the same bytes are an attack on whoever writes them out.
    static let maximumSharing = 16

    private static func checkTotal(_ entries: [TensorEntry], _ file: OpenFile) throws(Failure) {
        var rest = file.byteCount.multipliedReportingOverflow(by: maximumSharing)
        if rest.overflow { rest.partialValue = .max }
        for entry in entries {
            rest.partialValue -= entry.byteCount
            guard rest.partialValue >= 0 else {
                throw Failure(
                    .badData,
                    file.path,
                    "the state dict's tensors share their storages so often that they have more than "
                        + "\(maximumSharing) times the file's bytes"
                )
            }
        }
    }

    public func read(
        _ entry: TensorEntry,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Failure) {
        let view = view(of: entry)
        try view.read(file, into: buffer)
        if isBigEndian { view.elementType.swapBytes(buffer) }
    }

    public func extent(of entry: TensorEntry) -> FileExtent? {
        let view = view(of: entry)
        guard view.isContiguous, !isBigEndian else { return nil }
        return FileExtent(file: file, offset: view.offset)
    }

    public func checkValues() throws(Failure) {
        guard let archive else { return }
        // 0 stands where PyTorch was told to write no checksums (`set_crc32_options(False)`).
        for entry in archive.entries where entry.checksum != 0 { try archive.check(entry) }
    }

    private func view(of entry: TensorEntry) -> StridedView {
        guard let view = views[entry.name] else {
            preconditionFailure("\(entry.name) is not an entry of \(source)")
        }
        return view
    }
}
