internal import CHDF5
public import Diagnostics

/// Writes one HDF5 file of groups, float datasets and text attributes, the way h5py 3 would.
///
/// Every return code is checked, and the first failed call poisons the file: after a write that
/// failed (a full disk), HDF5 may flush and close without complaint and leave a file that opens
/// with zeros in it. `close()` must be the last call, and only its return means that everything
/// reached the operating system. The same calls give the same bytes: no times are stored.
public final class HDF5Writer {
    public let path: String
    private(set) var file: hid_t
    private var failed: Failure?

    /// Creates a file that must not exist yet.
    public init(creating path: String) throws(Failure) {
        self.path = path
        file = try Library.exclusively { () throws(Failure) in
            let file = H5Fcreate(
                path,
                bertkit_H5F_ACC_EXCL(),
                hid_t(H5P_DEFAULT),
                hid_t(H5P_DEFAULT)
            )
            guard Library.succeeded(file) else {
                throw Library.failure(.cannotCreate, path, "the file cannot be created")
            }
            return file
        }
    }

    deinit {
        guard file >= 0 else { return }
        Library.exclusively { _ = H5Fclose(file) }
    }

    /// Creates a group.
    ///
    /// - Precondition: the group that is to hold it exists.
    public func createGroup(_ group: String) throws(Failure) {
        try operation { () throws(Failure) in
            guard let creation = Handle(H5Pcreate(bertkit_H5P_GROUP_CREATE()), H5Pclose),
                Library.succeeded(H5Pset_obj_track_times(creation.id, false)),
                Handle(
                    H5Gcreate2(
                        file,
                        group,
                        hid_t(H5P_DEFAULT),
                        creation.id,
                        hid_t(H5P_DEFAULT)
                    ),
                    H5Gclose
                ) != nil
            else {
                throw Library.failure(
                    .inputOutput,
                    path,
                    "the group \"\(group)\" cannot be written"
                )
            }
        }
    }

    /// Gives an existing object a second name.
    public func link(_ existing: String, as name: String) throws(Failure) {
        try operation { () throws(Failure) in
            let answer = H5Lcreate_hard(
                file,
                existing,
                file,
                name,
                hid_t(H5P_DEFAULT),
                hid_t(H5P_DEFAULT)
            )
            guard Library.succeeded(answer) else {
                throw Library.failure(.inputOutput, path, "the link \"\(name)\" cannot be written")
            }
        }
    }

    /// Flushes and closes; the file is complete only when this returns.
    public func close() throws(Failure) {
        try operation { () throws(Failure) in
            guard Library.succeeded(H5Fflush(file, H5F_SCOPE_GLOBAL)) else {
                throw Library.failure(.inputOutput, path, "the file cannot be written to the end")
            }
            let answer = H5Fclose(file)
            file = -1
            guard Library.succeeded(answer) else {
                throw Library.failure(.inputOutput, path, "the file cannot be closed")
            }
        }
    }

    /// One public operation: nothing more is tried once one has failed.
    func operation(_ body: () throws(Failure) -> Void) throws(Failure) {
        if let failed { throw failed }
        precondition(file >= 0, "\(path) is closed")
        do throws(Failure) {
            try Library.exclusively(body)
        } catch {
            failed = error
            throw error
        }
    }
}
