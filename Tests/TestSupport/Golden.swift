import Diagnostics
public import Foundation
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
        }
        return dataset
    }

    private func words<Word: FixedWidthInteger>(
        _ dataset: HDF5Dataset,
        _ type: Word.Type
    ) -> [Word] {
        do throws(Failure) {
            return try file.raw(dataset, as: type)
        } catch {
            preconditionFailure("\(error)")
        }
    }
}
