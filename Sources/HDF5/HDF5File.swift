public import Diagnostics

/// An HDF5 file opened for reading.
///
/// Opening walks the whole file and checks the structure of everything in it: only hard links,
/// no cycles, no data outside the file, only filters that are known. The values are read later, one
/// dataset at a time, from the same open file. Nothing but `HDF5Writer` uses the C library.
public final class HDF5File: Sendable {
    /// As the user spelled it.
    public let path: String
    /// The paths of all groups, the root (`/`) first, in the order of the walk.
    public let groups: [String]
    /// All datasets, in the order of the walk: by name within a group.
    public let datasets: [HDF5Dataset]
    public var byteCount: Int { file.byteCount }

    let file: FileBytes
    /// From which byte of the file on addresses count.
    let base: UInt64
    let stored: [UInt64: StoredDataset]
    private let attributes: [String: [String: Attribute]]

    /// Opens and checks a file.
    ///
    /// Throws: `missingInput` when there is no such file; `badData` when it is not HDF5, is cut
    /// short, or has anything that a weights file does not have.
    public convenience init(path: String) throws(Failure) {
        try self.init(FileBytes(path: path), path)
    }

    /// Checks the bytes of a file that are in memory.
    ///
    /// - Parameter path: what failures call them.
    package convenience init(bytes: [UInt8], calling path: String) throws(Failure) {
        try self.init(FileBytes(bytes), path)
    }

    private init(_ file: FileBytes, _ path: String) throws(Failure) {
        let (superblock, reader) = try Superblock.read(file, path)
        let walk: Walk
        do throws(Damage) {
            walk = try Walk(superblock, reader)
        } catch {
            throw error.failure(path)
        }
        (self.file, self.path, base) = (file, path, reader.base)
        groups = walk.groups
        attributes = walk.attributes
        datasets = walk.datasets
        stored = walk.stored
    }

    /// Another descriptor of the same open file, which the caller closes.
    package func duplicateDescriptor() -> Int32? { file.duplicateDescriptor() }

    /// A text attribute of a group; `nil` when the group has no such attribute.
    ///
    /// - Precondition: `group` is one of `groups`.
    public func string(_ attribute: String, of group: String) throws(Failure) -> String? {
        guard let texts = try texts(attribute, of: group) else { return nil }
        guard texts.count == 1, let only = texts.first else {
            throw failure(attribute, "has \(texts.count) values, not one")
        }
        return only
    }

    /// A list of texts as Keras stores it: one attribute, or, when that would exceed HDF5's 64 KB
    /// per attribute, the parts `NAME0`, `NAME1`, …; `nil` when there is neither.
    ///
    /// - Precondition: `group` is one of `groups`.
    public func strings(_ attribute: String, of group: String) throws(Failure) -> [String]? {
        if let whole = try texts(attribute, of: group) { return whole }
        var strings: [String] = []
        var part = 0
        while let more = try texts("\(attribute)\(part)", of: group) {
            strings += more
            guard strings.count <= Attribute.mostTexts else { throw tooMany(attribute) }
            part += 1
        }
        return part > 0 ? strings : nil
    }

    /// The texts of one attribute: fixed or variable length, ASCII or UTF-8, a scalar or a list.
    /// h5py writes an empty list as an empty list of float64.
    private func texts(_ name: String, of group: String) throws(Failure) -> [String]? {
        guard let attributes = attributes[group] else {
            preconditionFailure("\(group) is not a group of \(path)")
        }
        guard let attribute = attributes[name] else { return nil }
        switch attribute.value {
        case .isNoText: throw failure(name, "is not text")
        case .isNoList: throw tooMany(name)
        case .texts(let texts):
            var strings: [String] = []
            for text in texts {
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw failure(name, "is not valid UTF-8")
                }
                strings.append(string)
            }
            return strings
        }
    }

    private func failure(_ attribute: String, _ what: String) -> Failure {
        Failure(.badData, path, "the attribute \"\(printable(attribute))\" \(what)")
    }

    private func tooMany(_ attribute: String) -> Failure {
        failure(attribute, "is no list of at most \(Attribute.mostTexts) names")
    }
}
