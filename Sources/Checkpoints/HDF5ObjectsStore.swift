public import Diagnostics
public import Foundation
import HDF5

/// An HDF5 file without lists of names: every dataset is a tensor, called by its path.
///
/// Keras 3's `.weights.h5` is such a file: each object is a group, and its variables are the
/// datasets `vars/0`, `vars/1` ….
public struct HDF5ObjectsStore: TensorStore {
    public let source: String
    public let layout: String
    public let entries: [TensorEntry]
    public let notes: [String]
    public var files: [URL] { [URL(filePath: source)] }

    private let datasets: HDF5Datasets

    /// Opens and checks a file.
    ///
    /// - Parameter source: what failures call it, when that is not its path.
    public init(path: String, calling source: String? = nil) throws(Failure) {
        try self.init(HDF5File(path: path), calling: source)
    }

    init(_ file: HDF5File, calling source: String? = nil) throws(Failure) {
        let path = file.path
        var problems: [String] = []
        entries = HDF5Datasets.entries(file.datasets, &problems)
        guard problems.isEmpty else {
            throw Failure(.badData, source ?? path, problems.joined(separator: "; "))
        }
        guard !entries.isEmpty else {
            throw Failure(.badData, source ?? path, "this HDF5 file holds no dataset")
        }
        self.source = source ?? path
        layout =
            file.groups.contains { $0.hasSuffix("/vars") }
            ? "Keras 3 weights (HDF5)" : "HDF5 datasets"
        notes = HDF5Datasets.notes(file)
        datasets = try HDF5Datasets(file)
    }

    public func read(
        _ entry: TensorEntry,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Failure) {
        try datasets.read(entry.name, into: buffer)
    }

    public func extent(of entry: TensorEntry) -> FileExtent? {
        datasets.extent(of: entry.name)
    }
}
