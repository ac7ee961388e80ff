internal import CHDF5
public import Diagnostics

/// An HDF5 file opened for reading.
///
/// Opening walks the whole file and checks the structure of everything in it: only hard links,
/// no cycles, no data outside the file, only filters that the library itself brings. The values
/// are read later, one dataset at a time.
public final class HDF5File: Sendable {
    /// As the user spelled it.
    public let path: String
    /// The paths of all groups, the root (`/`) first, in the order of the walk.
    public let groups: [String]
    /// All datasets, in the order of the walk: by name within a group.
    public let datasets: [HDF5Dataset]
    public let byteCount: Int

    let file: hid_t
    let groupAddresses: [String: UInt64]

    /// Opens and checks a file.
    ///
    /// Throws: `missingInput` when there is no such file; `badData` when it is not HDF5, is cut
    /// short, or has anything that a weights file does not have.
    public init(path: String) throws(Failure) {
        let byteCount = try Prescan.check(path)
        var walk = Walk(path: path, fileByteCount: byteCount)
        let file = try Library.exclusively { () throws(Failure) -> hid_t in
            let file = try Self.open(path)
            do throws(Failure) {
                walk.file = file
                try walk.run()
            } catch {
                H5Fclose(file)
                throw error
            }
            return file
        }
        self.path = path
        self.byteCount = byteCount
        self.file = file
        groups = walk.groups
        groupAddresses = walk.groupAddresses
        datasets = walk.datasets
    }

    deinit {
        Library.exclusively { _ = H5Fclose(file) }
    }

    private static func open(_ path: String) throws(Failure) -> hid_t {
        guard let access = Handle(H5Pcreate(bertkit_H5P_FILE_ACCESS()), H5Pclose),
            Library.succeeded(H5Pset_fclose_degree(access.id, H5F_CLOSE_STRONG)),
            // Read-only folders and network file systems have no locks to give.
            Library.succeeded(H5Pset_file_locking(access.id, false, true))
        else {
            throw Library.failure(.inputOutput, path, "the HDF5 library cannot be set up")
        }
        let file = H5Fopen(path, bertkit_H5F_ACC_RDONLY(), access.id)
        guard Library.succeeded(file) else {
            throw Library.failure(.badData, path, "the file cannot be opened")
        }
        return file
    }
}
