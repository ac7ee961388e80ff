internal import CHDF5
public import Diagnostics
import Glibc

extension HDF5File {
    /// A text attribute of a group; `nil` when the group has no such attribute.
    ///
    /// - Precondition: `group` is one of `groups`.
    public func string(_ attribute: String, of group: String) throws(Failure) -> String? {
        try Library.exclusively { () throws(Failure) in
            let object = try open(group)
            return try stringAttribute(attribute, of: object.id, path)
        }
    }

    /// A list of texts as Keras stores it: one attribute, or, when that would exceed HDF5's 64 KB
    /// per attribute, the parts `NAME0`, `NAME1`, …; `nil` when there is neither.
    ///
    /// - Precondition: `group` is one of `groups`.
    public func strings(_ attribute: String, of group: String) throws(Failure) -> [String]? {
        try Library.exclusively { () throws(Failure) in
            let object = try open(group)
            if let whole = try stringListAttribute(attribute, of: object.id, path) { return whole }
            var strings: [String]?
            for part in 0..<Walk.maximumLinkCount {
                guard
                    let more = try stringListAttribute("\(attribute)\(part)", of: object.id, path)
                else { break }
                strings = (strings ?? []) + more
                guard strings?.count ?? 0 <= Walk.maximumLinkCount else {
                    throw tooMany(attribute, path)
                }
            }
            return strings
        }
    }

    private func open(_ group: String) throws(Failure) -> Handle {
        guard let address = groupAddresses[group] else {
            preconditionFailure("\(group) is not a group of \(path)")
        }
        guard let object = Handle(H5Oopen_by_addr(file, haddr_t(address)), H5Oclose) else {
            throw Library.failure(
                .badData,
                path,
                "the group \"\(printable(group))\" cannot be read"
            )
        }
        return object
    }
}

private func tooMany(_ name: String, _ path: String) -> Failure {
    Failure(.badData, path, "the attribute \"\(name)\" lists more than 100000 names")
}

/// The only text of an attribute, `nil` when the object has no such attribute.
func stringAttribute(_ name: String, of object: hid_t, _ path: String) throws(Failure) -> String? {
    guard let strings = try stringListAttribute(name, of: object, path) else { return nil }
    guard strings.count == 1, let only = strings.first else {
        throw Failure(
            .badData,
            path,
            "the attribute \"\(name)\" has \(strings.count) values, not one"
        )
    }
    return only
}

/// The texts of one attribute: fixed or variable length, ASCII or UTF-8, a scalar or a list.
/// h5py writes an empty list as an empty list of float64.
func stringListAttribute(
    _ name: String,
    of object: hid_t,
    _ path: String
) throws(Failure) -> [String]? {
    func unreadable() -> Failure {
        Library.failure(.badData, path, "the attribute \"\(name)\" cannot be read")
    }
    let exists = H5Aexists(object, name)
    guard Library.succeeded(exists) else { throw unreadable() }
    guard exists > 0 else { return nil }
    guard let attribute = Handle(H5Aopen(object, name, hid_t(H5P_DEFAULT)), H5Aclose),
        let type = Handle(H5Aget_type(attribute.id), H5Tclose),
        let space = Handle(H5Aget_space(attribute.id), H5Sclose)
    else { throw unreadable() }
    let rank = H5Sget_simple_extent_ndims(space.id)
    let points = H5Sget_simple_extent_npoints(space.id)
    guard (0...1).contains(rank), points >= 0 else { throw unreadable() }
    guard points > 0 else { return [] }
    guard points <= Walk.maximumLinkCount else { throw tooMany(name, path) }
    guard H5Tget_class(type.id) == H5T_STRING else {
        throw Failure(.badData, path, "the attribute \"\(name)\" is not text")
    }
    let count = Int(points)
    let padding = H5Tget_strpad(type.id)
    let isVariable = H5Tis_variable_str(type.id)
    guard Library.succeeded(isVariable) else { throw unreadable() }
    var texts: [[UInt8]] = []
    if isVariable > 0 {
        var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: count)
        let answer = pointers.withUnsafeMutableBytes {
            H5Aread(attribute.id, type.id, $0.baseAddress)
        }
        guard Library.succeeded(answer) else { throw unreadable() }
        for pointer in pointers {
            guard let pointer else {
                texts.append([])
                continue
            }
            let bytes = UnsafeRawBufferPointer(start: pointer, count: strlen(pointer))
            texts.append(Array(bytes))
        }
        pointers.withUnsafeMutableBytes {
            _ = H5Dvlen_reclaim(type.id, space.id, hid_t(H5P_DEFAULT), $0.baseAddress)
        }
    } else {
        let width = H5Tget_size(type.id)
        let (total, overflow) = width.multipliedReportingOverflow(by: count)
        // An attribute in an object header is at most 64 KB; dense storage is bounded here.
        guard width > 0, !overflow, total <= 16 << 20 else { throw unreadable() }
        var bytes = [UInt8](repeating: 0, count: total)
        let answer = bytes.withUnsafeMutableBytes {
            H5Aread(attribute.id, type.id, $0.baseAddress)
        }
        guard Library.succeeded(answer) else { throw unreadable() }
        for index in 0..<count {
            let field = bytes[index * width..<(index + 1) * width]
            let text = field.prefix { $0 != 0 }
            guard padding == H5T_STR_SPACEPAD else {
                texts.append(Array(text))
                continue
            }
            texts.append(Array(text.reversed().drop { $0 == 0x20 }.reversed()))
        }
    }
    var strings: [String] = []
    strings.reserveCapacity(count)
    for text in texts {
        guard let string = String(validating: text, as: UTF8.self) else {
            throw Failure(.badData, path, "the attribute \"\(name)\" is not valid UTF-8")
        }
        strings.append(string)
    }
    return strings
}
