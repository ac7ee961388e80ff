internal import CHDF5
public import Diagnostics
import Glibc

extension HDF5Writer {
    /// Keras splits longer lists: `HDF5_OBJECT_HEADER_LIMIT` in its saving code, below the 64 KB
    /// that HDF5 allows one attribute.
    static let attributeByteLimit = 64512

    /// Writes a text attribute: one ASCII text of variable length.
    public func write(_ text: String, attribute: String, of group: String) throws(Failure) {
        try operation { () throws(Failure) in
            let scalar = Handle(H5Screate(H5S_SCALAR), H5Sclose)
            try writeVariable([text], attribute, of: group, space: scalar)
        }
    }

    /// Writes a list of texts as Keras with h5py 3 does: ASCII of variable length; an empty list
    /// as an empty list of float64; a list over the limit as parts of fixed-length text.
    public func write(_ texts: [String], attribute: String, of group: String) throws(Failure) {
        try operation { () throws(Failure) in
            let width = texts.map(\.utf8.count).max() ?? 0
            guard !texts.isEmpty else { return try writeEmpty(attribute, of: group) }
            guard width * texts.count > Self.attributeByteLimit else {
                var count = hsize_t(texts.count)
                let space = Handle(H5Screate_simple(1, &count, nil), H5Sclose)
                return try writeVariable(texts, attribute, of: group, space: space)
            }
            for (index, part) in Self.split(texts, width: width).enumerated() {
                try writeFixed(Array(part), width: width, "\(attribute)\(index)", of: group)
            }
        }
    }

    /// The fewest nearly equal parts that each stay below the limit; the longer ones come first.
    static func split(_ texts: [String], width: Int) -> [ArraySlice<String>] {
        var partCount = 1
        while (texts.count + partCount - 1) / partCount * width > attributeByteLimit,
            partCount < texts.count
        {
            partCount += 1
        }
        let (size, longer) = texts.count.quotientAndRemainder(dividingBy: partCount)
        var parts: [ArraySlice<String>] = []
        var start = 0
        for index in 0..<partCount {
            let end = start + size + (index < longer ? 1 : 0)
            parts.append(texts[start..<end])
            start = end
        }
        return parts
    }

    private func attributeFailure(_ name: String) -> Failure {
        Library.failure(.inputOutput, path, "the attribute \"\(name)\" cannot be written")
    }

    private func writeVariable(
        _ texts: [String],
        _ name: String,
        of group: String,
        space: consuming Handle?
    ) throws(Failure) {
        guard let space, let type = Handle(H5Tcopy(bertkit_H5T_C_S1()), H5Tclose),
            Library.succeeded(H5Tset_size(type.id, bertkit_H5T_VARIABLE())),
            Library.succeeded(H5Tset_cset(type.id, H5T_CSET_ASCII))
        else { throw attributeFailure(name) }
        let copies = texts.map { strdup($0) }
        defer {
            for copy in copies { free(copy) }
        }
        try copies.withUnsafeBufferPointer { (pointers) throws(Failure) in
            try writeAttribute(name, of: group, type, space, UnsafeRawBufferPointer(pointers))
        }
    }

    private func writeFixed(
        _ texts: [String],
        width: Int,
        _ name: String,
        of group: String
    ) throws(Failure) {
        var count = hsize_t(texts.count)
        guard let space = Handle(H5Screate_simple(1, &count, nil), H5Sclose),
            let type = Handle(H5Tcopy(bertkit_H5T_C_S1()), H5Tclose),
            Library.succeeded(H5Tset_size(type.id, width)),
            Library.succeeded(H5Tset_strpad(type.id, H5T_STR_NULLPAD))
        else { throw attributeFailure(name) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(texts.count * width)
        for text in texts {
            bytes += text.utf8
            bytes += repeatElement(0, count: width - text.utf8.count)
        }
        try bytes.withUnsafeBufferPointer { (bytes) throws(Failure) in
            try writeAttribute(name, of: group, type, space, UnsafeRawBufferPointer(bytes))
        }
    }

    private func writeEmpty(_ name: String, of group: String) throws(Failure) {
        var count: hsize_t = 0
        guard let space = Handle(H5Screate_simple(1, &count, nil), H5Sclose),
            let type = Handle(H5Tcopy(bertkit_H5T_IEEE_F64LE()), H5Tclose)
        else { throw attributeFailure(name) }
        try writeAttribute(name, of: group, type, space, nil)
    }

    private func writeAttribute(
        _ name: String,
        of group: String,
        _ type: borrowing Handle,
        _ space: borrowing Handle,
        _ bytes: UnsafeRawBufferPointer?
    ) throws(Failure) {
        guard let object = Handle(H5Oopen(file, group, hid_t(H5P_DEFAULT)), H5Oclose),
            let attribute = Handle(
                H5Acreate2(
                    object.id,
                    name,
                    type.id,
                    space.id,
                    hid_t(H5P_DEFAULT),
                    hid_t(H5P_DEFAULT)
                ),
                H5Aclose
            )
        else { throw attributeFailure(name) }
        guard let bytes else { return }
        guard Library.succeeded(H5Awrite(attribute.id, type.id, bytes.baseAddress)) else {
            throw attributeFailure(name)
        }
    }
}
