/// Types and extents, as messages hold them.
///
/// - Source: HDF5 File Format Specification 3.0, sections IV.A.2.b and IV.A.2.d.
enum StructureTypes {
    struct Datatype {
        let kind: Int
        let byteCount: UInt64
        /// Whether values are texts of any length, which lie in a heap.
        var isVariable: Bool { kind == 9 }
    }

    private static let deepest = 8

    /// Reads a datatype with everything it is made of.
    static func datatype(
        _ bytes: inout StructureBytes,
        depth: Int = 0
    ) throws(Damage) -> Datatype {
        guard depth < deepest else { throw bytes.damaged("has a type inside too many others") }
        let head = try bytes.small(1)
        let (kind, version) = (head & 0x0F, head >> 4)
        let bits = try bytes.small(3)
        let size = try bytes.number(4)
        guard (1...3).contains(version) else {
            throw bytes.damaged("has a type of version \(version)")
        }
        guard size > 0, size <= 1 << 30 else { throw bytes.damaged("has a type of \(size) bytes") }
        switch kind {
        case 0: try integer(&bytes, size)
        case 1: try float(&bytes, size, sign: bits >> 8 & 0xFF)
        case 2: try bytes.skip(2)
        case 3, 7: break
        case 4: try integer(&bytes, size)
        case 5: try bytes.skip(bits & 0xFF)
        case 6: try compound(&bytes, size, members: bits & 0xFFFF, version, depth)
        case 8:
            let base = try datatype(&bytes, depth: depth + 1)
            let count = bits & 0xFFFF
            for _ in 0..<count { try name(&bytes, isPadded: version < 3) }
            guard base.byteCount == size else {
                throw bytes.damaged("has an enumeration of another size")
            }
            guard let values = Int(exactly: base.byteCount), values <= 16 else {
                throw bytes.damaged("has an enumeration of wide numbers")
            }
            try bytes.skip(values * count)
        case 9: _ = try datatype(&bytes, depth: depth + 1)
        case 10: try array(&bytes, size, version, depth)
        default: throw bytes.damaged("has a type of the unknown class \(kind)")
        }
        return Datatype(kind: kind, byteCount: size)
    }

    private static func integer(_ bytes: inout StructureBytes, _ size: UInt64) throws(Damage) {
        let (offset, precision) = (try bytes.number(2), try bytes.number(2))
        guard size <= 64, precision > 0, offset + precision <= size * 8 else {
            throw bytes.damaged("has a number of \(precision) bits in \(size) bytes")
        }
    }

    private static func float(
        _ bytes: inout StructureBytes,
        _ size: UInt64,
        sign: Int
    ) throws(Damage) {
        let (offset, precision) = (try bytes.number(2), try bytes.number(2))
        let exponent = (try bytes.number(1), try bytes.number(1))
        let mantissa = (try bytes.number(1), try bytes.number(1))
        try bytes.skip(4)
        guard size <= 64, precision > 0, offset + precision <= size * 8,
            exponent.0 + exponent.1 <= size * 8, mantissa.0 + mantissa.1 <= size * 8,
            exponent.1 > 0, UInt64(sign) < size * 8
        else { throw bytes.damaged("has a float whose fields do not fit in \(size) bytes") }
    }

    private static func name(_ bytes: inout StructureBytes, isPadded: Bool) throws(Damage) {
        let start = bytes.position
        try bytes.text()
        if isPadded { try bytes.align(from: start) }
    }

    private static func compound(
        _ bytes: inout StructureBytes,
        _ size: UInt64,
        members: Int,
        _ version: Int,
        _ depth: Int
    ) throws(Damage) {
        guard members > 0 else { throw bytes.damaged("has a compound of nothing") }
        for _ in 0..<members {
            try name(&bytes, isPadded: version < 3)
            let width =
                version < 3 ? 4 : size < 1 << 8 ? 1 : size < 1 << 16 ? 2 : size < 1 << 24 ? 3 : 4
            let offset = try bytes.number(width)
            // Dimensions of a member, which version 1 alone has.
            if version == 1 {
                guard try bytes.number(1) == 0 else { throw bytes.damaged("has an old array") }
                try bytes.skip(27)
            }
            let member = try datatype(&bytes, depth: depth + 1)
            guard offset <= size, member.byteCount <= size - offset else {
                throw bytes.damaged("has a member outside its compound")
            }
        }
    }

    private static func array(
        _ bytes: inout StructureBytes,
        _ size: UInt64,
        _ version: Int,
        _ depth: Int
    ) throws(Damage) {
        let rank = try bytes.small(1)
        guard (1...32).contains(rank), version > 1 else { throw bytes.damaged("has an odd array") }
        if version < 3 { try bytes.skip(3) }
        var count: UInt64 = 1
        for _ in 0..<rank {
            let (product, overflow) = count.multipliedReportingOverflow(by: try bytes.number(4))
            guard !overflow else { throw bytes.damaged("has an array that cannot be counted") }
            count = product
        }
        if version < 3 { try bytes.skip(4 * rank) }
        let base = try datatype(&bytes, depth: depth + 1)
        let (total, overflow) = count.multipliedReportingOverflow(by: base.byteCount)
        guard !overflow, total == size else { throw bytes.damaged("has an array of another size") }
    }

    struct Dataspace {
        let rank: Int
        let dimensions: [UInt64]

        /// The number of elements; `nil` when they cannot be counted.
        var count: UInt64? {
            var count: UInt64 = 1
            for dimension in dimensions {
                let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
                if overflow { return dimensions.contains(0) ? 0 : nil }
                count = product
            }
            return count
        }
    }

    static func dataspace(_ bytes: inout StructureBytes) throws(Damage) -> Dataspace {
        let version = try bytes.small(1)
        let rank = try bytes.small(1)
        let flags = try bytes.small(1)
        guard (1...2).contains(version), rank <= 32 else {
            throw bytes.damaged("has extents of version \(version) and \(rank) dimensions")
        }
        try bytes.skip(version == 1 ? 5 : 1)
        var dimensions: [UInt64] = []
        for _ in 0..<rank { dimensions.append(try bytes.number(8)) }
        if flags & 1 != 0 {
            for dimension in dimensions {
                guard try bytes.number(8) >= dimension else {
                    throw bytes.damaged("has an extent above its maximum")
                }
            }
        }
        if version == 1, flags & 2 != 0 { try bytes.skip(8 * rank) }
        return Dataspace(rank: rank, dimensions: dimensions)
    }
}
