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

    /// Opens a file that is a copy of a part of another one, which failures name.
    init(copy path: String, of source: String, layout: String) throws(Failure) {
        do throws(Failure) {
            try self.init(HDF5File(path: path), calling: source, layout: layout)
        } catch {
            throw error.calling(source)
        }
    }

    init(
        _ file: HDF5File,
        calling source: String? = nil,
        layout: String? = nil
    ) throws(Failure) {
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
        let isKeras = file.groups.contains { $0.hasSuffix("/vars") }
        self.layout = layout ?? (isKeras ? "Keras 3 weights (HDF5)" : "HDF5 datasets")
        notes = HDF5Datasets.notes(file)
        datasets = try HDF5Datasets(file)
    }

    public func read(
        _ entry: TensorEntry,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Failure) {
        do throws(Failure) {
            try datasets.read(entry.name, into: buffer)
        } catch {
            throw error.calling(source)
        }
    }

    public func extent(of entry: TensorEntry) -> FileExtent? {
        datasets.extent(of: entry.name)
    }
}

extension Failure {
    /// The same about something of another name.
    fileprivate func calling(_ subject: String) -> Failure {
        Failure(kind, subject, reason, remedy: remedy)
    }
}
