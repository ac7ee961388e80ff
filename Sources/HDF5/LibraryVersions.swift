internal import CHDF5
internal import CZlib

/// The versions of the system's libraries that are used here.
public enum LibraryVersions {
    /// As in `1.10.8`.
    public static var hdf5: String {
        Library.exclusively {
            var (major, minor, release): (UInt32, UInt32, UInt32) = (0, 0, 0)
            H5get_libversion(&major, &minor, &release)
            return "\(major).\(minor).\(release)"
        }
    }

    public static var zlib: String { String(cString: zlibVersion()) }
}
