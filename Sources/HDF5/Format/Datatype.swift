/// What one element is, as far as weights and texts need it: what a compound, an array or an enumeration
/// is made of is not looked at.
///
/// - Source: HDF5 File Format Specification 3.0, section IV.A.2.d.
struct Datatype {
    enum Text {
        /// Ends at the first zero; the end may be padded with spaces instead.
        case fixed(isSpacePadded: Bool)
        /// Lies in a global heap.
        case variable
    }

    private static let mostBytes = 1 << 30

    private(set) var elementType: HDF5ElementType
    let byteCount: Int
    private(set) var isBigEndian = false
    private(set) var text: Text?
    var isOpaque: Bool { elementType == .other("opaque") }

    init(_ fields: inout Fields) throws(Damage) {
        let head = try fields.integer(1)
        let bits = try fields.integer(3)
        byteCount = try fields.integer(4)
        guard (1...5).contains(head >> 4) else {
            throw fields.damaged("has a type of version \(head >> 4)")
        }
        guard byteCount > 0, byteCount <= Self.mostBytes else {
            throw fields.damaged("has a type of \(byteCount) bytes")
        }
        elementType = .other("an unknown type")
        switch head & 0x0F {
        case 0: try readInteger(bits, &fields)
        case 1: try readFloat(bits, &fields)
        case 3:
            elementType = .other("text")
            text = .fixed(isSpacePadded: bits & 0x0F == 2)
        case 5: elementType = .other("opaque")
        case 6: elementType = .other("compound")
        case 7: elementType = .other("a reference")
        case 8: elementType = .other("an enumeration")
        case 9 where bits & 0x0F == 1:
            elementType = .other("text")
            text = .variable
            guard byteCount == 16 else {
                throw fields.damaged("has an odd type of variable length")
            }
        case 9: elementType = .other("of variable length")
        default: break
        }
    }

    private mutating func readInteger(_ bits: Int, _ fields: inout Fields) throws(Damage) {
        let (offset, precision) = (try fields.integer(2), try fields.integer(2))
        isBigEndian = bits & 1 != 0
        guard offset == 0, precision == byteCount * 8 else {
            elementType = .other("an integer with unused bits")
            return
        }
        elementType = .integer(byteCount: byteCount, isSigned: bits & 8 != 0)
    }

    private mutating func readFloat(_ bits: Int, _ fields: inout Fields) throws(Damage) {
        let (offset, precision) = (try fields.integer(2), try fields.integer(2))
        let layout = [
            bits >> 8 & 0xFF, try fields.integer(1), try fields.integer(1), try fields.integer(1),
            try fields.integer(1),
        ]
        let bias = try fields.integer(4)
        isBigEndian = bits & 1 != 0
        elementType = .other("a float of \(byteCount) bytes that is not IEEE")
        // Bit 6 with bit 0 is the VAX's order; 2 is an implied first bit of the mantissa.
        guard offset == 0, precision == byteCount * 8, bits & 0x40 == 0, bits >> 4 & 3 == 2 else {
            return
        }
        // The class alone proves nothing: a float may have any fields and bias.
        switch (byteCount, layout, bias) {
        case (2, [15, 10, 5, 0, 10], 15): elementType = .float16
        case (2, [15, 7, 8, 0, 7], 127): elementType = .bfloat16
        case (4, [31, 23, 8, 0, 23], 127): elementType = .float32
        case (8, [63, 52, 11, 0, 52], 1023): elementType = .float64
        default: break
        }
    }

    /// Two opaque bytes with a note, which is how Keras stores bfloat16.
    mutating func becomeBFloat16() { elementType = .bfloat16 }
}

extension Reader {
    /// The type in a message's body, or the committed one that it names.
    mutating func datatype(
        _ fields: inout Fields,
        isShared: Bool
    ) throws(Damage) -> Datatype {
        guard isShared else { return try Datatype(&fields) }
        let address = try committedAddress(&fields)
        if let known = committedTypes[address] { return known }
        let header = try ObjectHeader(&self, at: address)
        guard let message = header.message(.datatype), !message.isShared else {
            throw fields.damaged("names a type that is none")
        }
        var body = message.body
        let type = try Datatype(&body)
        committedTypes[address] = type
        return type
    }

    /// - Source: HDF5 File Format Specification 3.0, section IV.A.2, "Shared Message".
    private func committedAddress(_ fields: inout Fields) throws(Damage) -> UInt64 {
        let (version, kind) = (try fields.integer(1), try fields.integer(1))
        switch (version, kind) {
        case (1, _): try fields.skip(14)
        case (2, _), (3, 2): break
        case (3, 1): throw .unsupported("shares its messages with other objects")
        default: throw fields.damaged("is shared in an unknown way")
        }
        return try fields.address()
    }
}
