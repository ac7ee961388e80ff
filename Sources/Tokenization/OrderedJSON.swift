/// A JSON value whose objects keep the order of their members, for files with settled bytes.
enum OrderedJSON {
    case null
    case bool(Bool)
    case int(Int)
    case string(String)
    case array([OrderedJSON])
    case object([(String, OrderedJSON)])

    static func optional(_ value: Bool?) -> OrderedJSON { value.map { .bool($0) } ?? .null }

    /// UTF-8 with two spaces of indentation, escaped and laid out as Rust's serde does.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes, depth: 0)
        return bytes
    }

    private func append(to bytes: inout [UInt8], depth: Int) {
        switch self {
        case .null: bytes += "null".utf8
        case .bool(let value): bytes += (value ? "true" : "false").utf8
        case .int(let value): bytes += String(value).utf8
        case .string(let value): Self.append(value, to: &bytes)
        case .array(let values):
            Self.append(values, "[", "]", to: &bytes, depth) { value, bytes in
                value.append(to: &bytes, depth: depth + 1)
            }
        case .object(let members):
            Self.append(members, "{", "}", to: &bytes, depth) { member, bytes in
                Self.append(member.0, to: &bytes)
                bytes += ": ".utf8
                member.1.append(to: &bytes, depth: depth + 1)
            }
        }
    }

    private static func append<Part>(
        _ parts: [Part],
        _ open: Unicode.Scalar,
        _ close: Unicode.Scalar,
        to bytes: inout [UInt8],
        _ depth: Int,
        _ append: (Part, inout [UInt8]) -> Void
    ) {
        func newLine(_ depth: Int, _ bytes: inout [UInt8]) {
            bytes.append(0x0A)
            bytes += repeatElement(0x20, count: 2 * depth)
        }
        bytes.append(UInt8(ascii: open))
        for (index, part) in parts.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            newLine(depth + 1, &bytes)
            append(part, &bytes)
        }
        if !parts.isEmpty { newLine(depth, &bytes) }
        bytes.append(UInt8(ascii: close))
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): bytes += #"\""#.utf8
            case UInt8(ascii: "\\"): bytes += #"\\"#.utf8
            case 0x08: bytes += #"\b"#.utf8
            case 0x09: bytes += #"\t"#.utf8
            case 0x0A: bytes += #"\n"#.utf8
            case 0x0C: bytes += #"\f"#.utf8
            case 0x0D: bytes += #"\r"#.utf8
            case ..<0x20:
                bytes += (byte < 0x10 ? #"\u000"# : #"\u00"#).utf8
                bytes += String(byte, radix: 16).utf8
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
