public import Diagnostics

/// A store whose files hold checksums of the values.
public protocol ChecksummedStore: TensorStore {
    /// Reads everything and compares it with its checksums.
    ///
    /// Throws `badData` for the first that does not agree.
    func checkValues() throws(Failure)
}
