/// What elements that were never written read as.
///
/// - Source: HDF5 File Format Specification 3.0, sections IV.A.2.e and IV.A.2.f.
extension ObjectHeader {
    /// The bytes of one element, as they would be stored; `nil` for zeros.
    func fillValue(byteCount: Int) throws(Damage) -> [UInt8]? {
        var value: [UInt8]?
        if var body = try body(.fillValue) {
            value = try Self.fillValue(&body)
        } else if var body = try body(.oldFillValue) {
            value = try Self.value(&body)
        }
        guard let value, !value.isEmpty else { return nil }
        guard value.count == byteCount else { throw Damage("its fill value is of another type") }
        return value
    }

    private static func fillValue(_ body: inout Fields) throws(Damage) -> [UInt8]? {
        let version = try body.integer(1)
        switch version {
        case 1, 2:
            try body.skip(2)
            let isDefined = try body.number(1) != 0
            return isDefined || version == 1 ? try value(&body) : nil
        case 3: return try body.number(1) & 0x20 != 0 ? try value(&body) : nil
        default: throw body.damaged("is of version \(version)")
        }
    }

    private static func value(_ body: inout Fields) throws(Damage) -> [UInt8]? {
        let count = try body.integer(4)
        return count == Int(UInt32.max) ? nil : try body.array(count)
    }
}
