import Diagnostics
import Foundation
import HDF5
import Tensors

/// One shard of weights that Hugging Face's TensorFlow models saved in several HDF5 files.
///
/// The datasets of a shard lie at the root, without the layer and the model's name; the root
/// attribute `layer_names` lists their paths.
struct HDF5ShardStore: TensorStore {
    let source: String
    let layout = "Hugging Face TensorFlow weights"
    let entries: [TensorEntry]
    let notes: [String]
    var files: [URL] { [URL(filePath: source)] }

    private let datasets: HDF5Datasets

    init(path: String) throws(Failure) {
        let file = try HDF5File(path: path)
        source = path
        datasets = try HDF5Datasets(file)
        notes = HDF5Datasets.notes(file)
        var problems: [String] = []
        entries = HDF5Datasets.entries(file.datasets, &problems)
        guard problems.isEmpty else {
            throw Failure(.badData, path, problems.joined(separator: "; "))
        }
    }

    func read(
        _ entry: TensorEntry,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Failure) {
        try datasets.read(entry.name, into: buffer)
    }

    func extent(of entry: TensorEntry) -> FileExtent? {
        datasets.extent(of: entry.name)
    }
}
