public import Diagnostics

extension JSONValue {
    /// How deeply arrays and objects may be nested.
    static let maximumDepth = 64

    /// Parses a JSON text (RFC 8259) strictly: UTF-8 without a byte order mark, no duplicate keys,
    /// no NaN or Infinity, nothing after the value.
    ///
    /// - Parameter source: the file, for messages.
    public static func parse(_ bytes: [UInt8], source: String) throws(Failure) -> JSONValue {
        var parser = Parser(bytes: bytes, source: source)
        return try parser.document()
    }

    private struct Parser {
        let bytes: [UInt8]
        let source: String
        var position = 0

        init(bytes: [UInt8], source: String) {
            self.bytes = bytes
            self.source = source
        }

        mutating func document() throws(Failure) -> JSONValue {
            let value = try value(depth: 0)
            skipSpace()
            guard position == bytes.count else { throw problem("text after the value") }
            return value
        }

        func problem(_ what: String) -> Failure {
            let line = bytes[..<min(position, bytes.count)].count { $0 == 0x0A } + 1
            return Failure(.badData, source, "not valid JSON: \(what) on line \(line)")
        }

        mutating func skipSpace() {
            while position < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[position]) {
                position += 1
            }
        }

        func peek() -> UInt8? {
            position < bytes.count ? bytes[position] : nil
        }

        mutating func take(_ byte: Unicode.Scalar) -> Bool {
            guard peek() == UInt8(ascii: byte) else { return false }
            position += 1
            return true
        }

        mutating func take(word: StaticString, _ value: JSONValue) throws(Failure) -> JSONValue {
            let end = position + word.utf8CodeUnitCount
            guard end <= bytes.count,
                bytes[position..<end].elementsEqual(
                    UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
                )
            else { throw problem("an unknown word") }
            position = end
            return value
        }

        mutating func value(depth: Int) throws(Failure) -> JSONValue {
            guard depth <= JSONValue.maximumDepth else {
                throw problem("nesting deeper than \(JSONValue.maximumDepth) levels")
            }
            skipSpace()
            guard let byte = peek() else { throw problem("the text ends too early") }
            switch byte {
            case UInt8(ascii: "{"): return try object(depth: depth)
            case UInt8(ascii: "["): return try array(depth: depth)
            case UInt8(ascii: "\""): return .string(try string())
            case UInt8(ascii: "t"): return try take(word: "true", .bool(true))
            case UInt8(ascii: "f"): return try take(word: "false", .bool(false))
            case UInt8(ascii: "n"): return try take(word: "null", .null)
            default: return try number()
            }
        }

        mutating func object(depth: Int) throws(Failure) -> JSONValue {
            position += 1
            var members: [String: JSONValue] = [:]
            skipSpace()
            if take("}") { return .object(members) }
            repeat {
                skipSpace()
                guard peek() == UInt8(ascii: "\"") else { throw problem("a key that is not text") }
                let key = try string()
                skipSpace()
                guard take(":") else { throw problem("no colon after a key") }
                guard members.updateValue(try value(depth: depth + 1), forKey: key) == nil else {
                    throw problem("the key \"\(printable(key))\" a second time")
                }
                skipSpace()
            } while take(",")
            guard take("}") else { throw problem("an object that does not end") }
            return .object(members)
        }

        mutating func array(depth: Int) throws(Failure) -> JSONValue {
            position += 1
            var elements: [JSONValue] = []
            skipSpace()
            if take("]") { return .array(elements) }
            repeat {
                elements.append(try value(depth: depth + 1))
                skipSpace()
            } while take(",")
            guard take("]") else { throw problem("an array that does not end") }
            return .array(elements)
        }

        mutating func string() throws(Failure) -> String {
            position += 1
            var text: [UInt8] = []
            while let byte = peek() {
                position += 1
                switch byte {
                case UInt8(ascii: "\""):
                    guard let string = String(validating: text, as: UTF8.self) else {
                        throw problem("text that is not UTF-8")
                    }
                    return string
                case UInt8(ascii: "\\"): try escape(into: &text)
                case 0..<0x20: throw problem("a control character in a text")
                default: text.append(byte)
                }
            }
            throw problem("a text that does not end")
        }

        mutating func escape(into text: inout [UInt8]) throws(Failure) {
            guard let byte = peek() else { throw problem("a text that does not end") }
            position += 1
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
            case UInt8(ascii: "b"): text.append(0x08)
            case UInt8(ascii: "f"): text.append(0x0C)
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "u"):
                var code = try hexadecimal()
                if (0xD800..<0xDC00).contains(code), take("\\"), take("u") {
                    let low = try hexadecimal()
                    guard (0xDC00..<0xE000).contains(low) else {
                        throw problem("half a surrogate pair")
                    }
                    code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
                }
                guard let scalar = Unicode.Scalar(code) else {
                    throw problem("half a surrogate pair")
                }
                text += UTF8.encode(scalar).map(Array.init) ?? []
            default: throw problem("an unknown escape")
            }
        }

        mutating func hexadecimal() throws(Failure) -> UInt32 {
            var code: UInt32 = 0
            for _ in 0..<4 {
                guard let byte = peek(),
                    let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80
                else { throw problem("an escape that is not four hexadecimal digits") }
                position += 1
                code = code << 4 | UInt32(digit)
            }
            return code
        }

        mutating func digits() -> Int {
            let start = position
            while let byte = peek(), (0x30...0x39).contains(byte) { position += 1 }
            return position - start
        }

        mutating func number() throws(Failure) -> JSONValue {
            let start = position
            var isWhole = true
            _ = take("-")
            let hasLeadingZero = peek() == UInt8(ascii: "0")
            let count = digits()
            guard count > 0 else { throw problem("something that is not a value") }
            guard !hasLeadingZero || count == 1 else {
                throw problem("a number with leading zeros")
            }
            if take(".") {
                isWhole = false
                guard digits() > 0 else { throw problem("a number that ends in a point") }
            }
            if take("e") || take("E") {
                isWhole = false
                if !take("+") { _ = take("-") }
                guard digits() > 0 else { throw problem("a number without its exponent") }
            }
            let text = String(decoding: bytes[start..<position], as: UTF8.self)
            if isWhole, let integer = Int(text) { return .integer(integer) }
            guard let number = Double(text), number.isFinite else {
                throw problem("a number too large to represent")
            }
            return .number(number)
        }
    }
}
