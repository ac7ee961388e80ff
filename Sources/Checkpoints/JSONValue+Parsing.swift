public import Diagnostics

extension JSONValue {
    /// Parses a JSON text (RFC 8259) strictly: UTF-8 without a byte order mark, no duplicate keys,
    /// no NaN or Infinity, nothing after the value.
    ///
    /// - Parameter source: the file, for messages.
    public static func parse(_ bytes: [UInt8], source: String) throws(Failure) -> JSONValue {
        var reader = JSONReader(bytes, source: source)
        let value = try reader.value()
        try reader.end()
        return value
    }
}

extension JSONReader {
    /// Reads a value of any kind.
    mutating func value() throws(Failure) -> JSONValue {
        switch try next() {
        case UInt8(ascii: "{"):
            var members: [String: JSONValue] = [:]
            try object { (reader, key) throws(Failure) in members[key] = try reader.value() }
            return .object(members)
        case UInt8(ascii: "["):
            var elements: [JSONValue] = []
            try array { (reader) throws(Failure) in elements.append(try reader.value()) }
            return .array(elements)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"):
            try word("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try word("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try word("null")
            return .null
        default: return try number()
        }
    }
}
