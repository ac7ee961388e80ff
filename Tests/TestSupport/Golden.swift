public import Diagnostics
import Foundation
import HDF5
public import Tensors

/// A file of reference values in `fixtures/goldens`, as the scripts in `fixtures/generate` write it.
/// `fixtures/README.md` lists what each holds.
public struct Golden: Sendable {
    private let file: HDF5File
    private let datasets: [String: HDF5Dataset]

    /// - Parameter name: relative to `fixtures/goldens`: `bert_training.h5`.
    public init(_ name: String) throws(Failure) {
        file = try HDF5File(path: Fixtures.folder.appending(path: "goldens/\(name)").path)
        datasets = Dictionary(uniqueKeysWithValues: file.datasets.map { ($0.path, $0) })
    }

    /// The 32-bit floats of a dataset, or its 64-bit ones rounded: `outputs/f64/logits`.
    public func tensor(_ path: String) throws(Failure) -> Tensor {
        let dataset = try dataset(path)
        if dataset.elementType == .float64 {
            let values = try doubles(path).map { Float($0) }
            return Tensor(shape: Shape(dataset.dimensions), values: values)
        }
        guard dataset.elementType == .float32 else { throw mistaken(dataset, for: "floats") }
        let words = try file.raw(dataset, as: UInt32.self)
        return Tensor(
            shape: Shape(dataset.dimensions),
            values: words.map { Float(bitPattern: $0) }
        )
    }

    /// Every tensor of a group by its name in it: `parameters`, `gradients/soft_target/f64`.
    public func tensors(in group: String) throws(Failure) -> [String: Tensor] {
        var tensors: [String: Tensor] = [:]
        for name in try names(in: group) {
            tensors[name] = try tensor("\(group)/\(name)")
        }
        return tensors
    }

    /// The elements of a dataset of 64-bit floats, in row-major order.
    public func doubles(_ path: String) throws(Failure) -> [Double] {
        let dataset = try dataset(path)
        guard dataset.elementType == .float64 else { throw mistaken(dataset, for: "doubles") }
        return try file.raw(dataset, as: UInt64.self).map { Double(bitPattern: $0) }
    }

    /// Every dataset of 64-bit floats of a group by its name in it.
    public func doubles(in group: String) throws(Failure) -> [String: [Double]] {
        var values: [String: [Double]] = [:]
        for name in try names(in: group) {
            values[name] = try doubles("\(group)/\(name)")
        }
        return values
    }

    /// The elements of a dataset of 32-bit integers, in row-major order.
    public func integers(_ path: String) throws(Failure) -> [Int32] {
        let dataset = try dataset(path)
        guard dataset.elementType == .integer(byteCount: 4, isSigned: true) else {
            throw mistaken(dataset, for: "32-bit integers")
        }
        return try file.raw(dataset, as: Int32.self)
    }

    /// The extents of a dataset.
    public func shape(_ path: String) throws(Failure) -> Shape {
        Shape(try dataset(path).dimensions)
    }

    /// The names of the datasets in a group, sorted.
    public func names(in group: String) throws(Failure) -> [String] {
        let names = datasets.keys.filter { $0.hasPrefix("/\(group)/") }
            .map { String($0.dropFirst(group.count + 2)) }
        guard !names.isEmpty else {
            throw Failure(.badData, file.path, "there is no group \"\(group)\"")
        }
        return names.sorted()
    }

    private func dataset(_ path: String) throws(Failure) -> HDF5Dataset {
        guard let dataset = datasets["/\(path)"] else {
            throw Failure(.badData, file.path, "there is no dataset \"\(path)\"")
        }
        return dataset
    }

    private func mistaken(_ dataset: HDF5Dataset, for kind: String) -> Failure {
        Failure(.badData, file.path, "\(dataset.path) is \(dataset.elementType), not \(kind)")
    }
}
