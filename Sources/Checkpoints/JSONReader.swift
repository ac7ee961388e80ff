import Diagnostics

/// Reads a JSON text (RFC 8259) strictly and in order, value by value: UTF-8 without a byte order
/// mark, no duplicate keys, no NaN or Infinity, nothing after the value.
///
/// What is expected is asked for, so that a text of another form is refused where it departs from it,
/// and a long one needs no tree.
struct JSONReader {
    /// How deeply arrays and objects may be nested.
    static let maximumDepth = 64

    let bytes: [UInt8]
    /// The file, for messages.
    let source: String
    private(set) var position = 0
    private var depth = 0

    init(_ bytes: [UInt8], source: String) {
        self.bytes = bytes
        self.source = source
    }

    func problem(_ what: String) -> Failure {
        let line = bytes[..<min(position, bytes.count)].count { $0 == 0x0A } + 1
        return Failure(.badData, source, "not valid JSON: \(what) on line \(line)")
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private func peek() -> UInt8? {
        position < bytes.count ? bytes[position] : nil
    }

    private mutating func take(_ byte: Unicode.Scalar) -> Bool {
        guard peek() == UInt8(ascii: byte) else { return false }
        position += 1
        return true
    }

    /// The first byte of the next value.
    mutating func next() throws(Failure) -> UInt8 {
        skipSpace()
        guard let byte = peek() else { throw problem("the text ends too early") }
        return byte
    }

    /// Checks that only space follows.
    mutating func end() throws(Failure) {
        skipSpace()
        guard position == bytes.count else { throw problem("text after the value") }
    }

    mutating func word(_ word: StaticString) throws(Failure) {
        let end = position + word.utf8CodeUnitCount
        guard end <= bytes.count,
            bytes[position..<end].elementsEqual(
                UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
            )
        else { throw problem("an unknown word") }
        position = end
    }

    /// Reads an object; `member` reads the value of the key it is given.
    ///
    /// Keys are compared as texts: two spellings of one letter are one key.
    mutating func object(
        _ member: (_ reader: inout JSONReader, _ key: String) throws(Failure) -> Void
    ) throws(Failure) {
        guard try next() == UInt8(ascii: "{") else {
            throw problem("something other than an object")
        }
        try descend()
        var keys: Set<String> = []
        skipSpace()
        if !take("}") {
            repeat {
                skipSpace()
                guard peek() == UInt8(ascii: "\"") else { throw problem("a key that is not text") }
                let key = try string()
                guard keys.insert(key).inserted else {
                    throw problem("the key \"\(printable(key))\" a second time")
                }
                skipSpace()
                guard take(":") else { throw problem("no colon after a key") }
                try member(&self, key)
                skipSpace()
            } while take(",")
            guard take("}") else { throw problem("an object that does not end") }
        }
        depth -= 1
    }

    /// Reads an array; `element` reads one of its values.
    mutating func array(
        _ element: (_ reader: inout JSONReader) throws(Failure) -> Void
    ) throws(Failure) {
        guard try next() == UInt8(ascii: "[") else {
            throw problem("something other than an array")
        }
        try descend()
        skipSpace()
        if !take("]") {
            repeat {
                try element(&self)
                skipSpace()
            } while take(",")
            guard take("]") else { throw problem("an array that does not end") }
        }
        depth -= 1
    }

    private mutating func descend() throws(Failure) {
        position += 1
        depth += 1
        guard depth <= Self.maximumDepth else {
            throw problem("nesting deeper than \(Self.maximumDepth) levels")
        }
    }

    mutating func string() throws(Failure) -> String {
        guard try next() == UInt8(ascii: "\"") else { throw problem("something other than a text") }
        position += 1
        let start = position
        // Nearly every text is as it stands.
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                let text = try decoded(bytes[start..<position])
                position += 1
                return text
            }
            if byte == UInt8(ascii: "\\") || byte < 0x20 { break }
            position += 1
        }
        return try escapedString(Array(bytes[start..<position]))
    }

    private func decoded(_ text: some Sequence<UInt8>) throws(Failure) -> String {
        guard let string = String(validating: text, as: UTF8.self) else {
            throw problem("text that is not UTF-8")
        }
        return string
    }

    /// The rest of a text that begins with `text` and goes on with an escape.
    private mutating func escapedString(_ beginning: [UInt8]) throws(Failure) -> String {
        var text = beginning
        while let byte = peek() {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return try decoded(text)
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw problem("a control character in a text")
            default: text.append(byte)
            }
        }
        throw problem("a text that does not end")
    }

    private mutating func escape(into text: inout [UInt8]) throws(Failure) {
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

    private mutating func hexadecimal() throws(Failure) -> UInt32 {
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

    private mutating func digits() -> Int {
        let start = position
        while let byte = peek(), (0x30...0x39).contains(byte) { position += 1 }
        return position - start
    }

    /// Reads a number; one without point and exponent that fits is an integer.
    mutating func number() throws(Failure) -> JSONValue {
        _ = try next()
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
