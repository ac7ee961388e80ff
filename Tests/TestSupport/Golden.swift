<<<<<<< HEAD
public import Diagnostics
import Foundation
=======
import Diagnostics
public import Foundation
>>>>>>> gold
import HDF5
public import Tensors

/// A file of reference values in `fixtures/goldens`; `fixtures/README.md` lists what each holds.
///
/// It is read through the `HDF5` module, whose lock the C library needs when tests run side by
/// side. A name that is not in the file is a mistake in the test, and traps.
public struct Golden: Sendable {
    private let file: HDF5File
    private let datasets: [String: HDF5Dataset]

    /// - Parameter name: relative to `fixtures/goldens`, without `.h5`.
    public init(_ name: String) {
        do throws(Failure) {
            file = try HDF5File(path: Self.url("\(name).h5").path)
        } catch {
            preconditionFailure("\(error)")
        }
        datasets = Dictionary(uniqueKeysWithValues: file.datasets.map { ($0.path, $0) })
    }

<<<<<<< HEAD
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
=======
    /// A file of `fixtures/goldens`.
    public static func url(_ file: String) -> URL {
        Fixtures.folder.appending(path: "goldens/\(file)")
    }

    /// The elements of a dataset in row-major order: 64-bit floats rounded, integers converted.
    public func floats(_ path: String) -> [Float] {
        let dataset = dataset(path)
        switch dataset.elementType {
        case .float32: return words(dataset, UInt32.self).map { Float(bitPattern: $0) }
        case .float64: return doubles(path).map { Float($0) }
        default: return integers(path).map { Float($0) }
        }
    }

    /// The elements of a dataset of 64-bit floats in row-major order.
    public func doubles(_ path: String) -> [Double] {
        let dataset = dataset(path)
        precondition(dataset.elementType == .float64, "\(path) is \(dataset.elementType)")
        return words(dataset, UInt64.self).map { Double(bitPattern: $0) }
    }

    /// The elements of a dataset of 32-bit integers in row-major order.
    public func integers(_ path: String) -> [Int32] {
        let dataset = dataset(path)
        precondition(
            dataset.elementType == .integer(byteCount: 4, isSigned: true),
            "\(path) is \(dataset.elementType)"
        )
        return words(dataset, Int32.self)
    }

    /// A dataset with its extents, as 32-bit floats.
    public func tensor(_ path: String) -> Tensor {
        Tensor(shape: Shape(dataset(path).dimensions), values: floats(path))
    }

    /// The names of the datasets of a group, sorted: `parameters`, `gradients/soft_target/f64`.
    public func names(in group: String) -> [String] {
        let names = datasets.keys.filter { $0.hasPrefix("/\(group)/") }
            .map { String($0.dropFirst(group.count + 2)) }
        precondition(!names.isEmpty, "\(file.path) has no group \(group)")
        return names.sorted()
    }

    private func dataset(_ path: String) -> HDF5Dataset {
        guard let dataset = datasets["/\(path)"] else {
            preconditionFailure("\(file.path) has no \(path)")
>>>>>>> gold
        }
        return dataset
    }

<<<<<<< HEAD
    private func mistaken(_ dataset: HDF5Dataset, for kind: String) -> Failure {
        Failure(.badData, file.path, "\(dataset.path) is \(dataset.elementType), not \(kind)")
=======
    private func words<Word: FixedWidthInteger>(
        _ dataset: HDF5Dataset,
        _ type: Word.Type
    ) -> [Word] {
        do throws(Failure) {
            return try file.raw(dataset, as: type)
        } catch {
            preconditionFailure("\(error)")
        }
>>>>>>> gold
    }
}
