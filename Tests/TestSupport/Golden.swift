@preconcurrency import CHDF5
public import Foundation

/// One of the files of `fixtures/goldens`.
public struct Golden: @unchecked Sendable {
    private let file: hid_t
    private let name: String
    private static let lock = NSLock()

    public init(_ name: String) {
        self.name = name
        let path = Fixtures.folder.appending(path: "goldens/\(name).h5").path
        file = Self.lock.withLock {
            H5open()
            return H5Fopen(path, 0, 0)
        }
        precondition(file >= 0, "no golden \(path)")
    }

    public static func url(_ file: String) -> URL {
        Fixtures.folder.appending(path: "goldens/\(file)")
    }

    private func read<Value: BitwiseCopyable>(_ path: String, _ type: hid_t, _ zero: Value) -> [Value] {
        Self.lock.withLock {
            let dataset = H5Dopen2(file, path, 0)
            precondition(dataset >= 0, "\(name) has no \(path)")
            let space = H5Dget_space(dataset)
            let count = Int(H5Sget_simple_extent_npoints(space))
            var values = [Value](repeating: zero, count: count)
            H5Dread(dataset, type, 0, 0, 0, &values)
            H5Sclose(space)
            H5Dclose(dataset)
            return values
        }
    }

    public func floats(_ path: String) -> [Float] { read(path, H5T_NATIVE_FLOAT_g, 0) }
    public func doubles(_ path: String) -> [Double] { read(path, H5T_NATIVE_DOUBLE_g, 0) }
    public func integers(_ path: String) -> [Int32] { read(path, H5T_NATIVE_INT32_g, 0) }
}
