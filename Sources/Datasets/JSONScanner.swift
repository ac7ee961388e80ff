/// Reads one JSON value at a time out of a line's bytes (RFC 8259).
///
/// Strict about what is used; of objects and arrays inside a value, which no field of a task is,
/// only the brackets and strings are checked.
///
/// Positions of texts are kept rather than texts: a string's unescaped bytes are appended to an
/// output buffer that all rows share.
struct JSONScanner {
    enum Value {
        /// Where its unescaped bytes are in the output buffer.
        case text(Range<Int>)
        /// Where its digits are in the line's bytes.
        case number(Range<Int>)
        /// `true`, `false`, `null`, an object or an array, by that name.
        case other(String)
    }

    /// What is wrong, and at which byte.
    struct Malformed: Error {
        let position: Int
        let problem: String
    }

    let bytes: UnsafeBufferPointer<UInt8>
    var position: Int
    let end: Int

    init(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    var current: UInt8? { position < end ? bytes[position] : nil }

    func malformed(_ problem: String) -> Malformed {
        Malformed(position: position, problem: problem)
    }

    mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x09 || byte == 0x0D { position += 1 }
    }

    /// Steps over `byte` and any space before it.
    mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard current == byte else { return false }
        position += 1
        return true
    }

    mutating func expect(_ byte: UInt8) throws(Malformed) {
        guard take(byte) else {
            throw malformed("'\(Character(UnicodeScalar(byte)))' is missing")
        }
    }

    /// Reads the next value; the strings inside objects and arrays are not kept.
    mutating func value(into output: inout [UInt8]) throws(Malformed) -> Value {
        skipSpace()
        switch current {
        case 0x22: return .text(try string(into: &output))
        case 0x2D?, (0x30...0x39)?: return .number(try number())
        case 0x7B, 0x5B:
            let kind = current == 0x7B ? "an object" : "an array"
            try skipNested()
            return .other(kind)
        case 0x74: return .other(try word("true"))
        case 0x66: return .other(try word("false"))
        case 0x6E: return .other(try word("null"))
        default: throw malformed("a value is missing")
        }
    }

    private mutating func word(_ word: String) throws(Malformed) -> String {
        guard bytes[position..<end].starts(with: word.utf8) else {
            throw malformed("an unknown word")
        }
        position += word.utf8.count
        return word
    }

    private mutating func number() throws(Malformed) -> Range<Int> {
        let start = position
        if current == 0x2D { position += 1 }
        if current == 0x30 { position += 1 } else { try digits() }
        if current == 0x2E {
            position += 1
            try digits()
        }
        if current == 0x65 || current == 0x45 {
            position += 1
            if current == 0x2B || current == 0x2D { position += 1 }
            try digits()
        }
        return start..<position
    }

    private mutating func digits() throws(Malformed) {
        let start = position
        while let byte = current, (0x30...0x39).contains(byte) { position += 1 }
        if position == start { throw malformed("a digit is missing") }
    }

    /// Steps over an object or an array by counting brackets, however deep.
    private mutating func skipNested() throws(Malformed) {
        var open: [UInt8] = []
        var unused: [UInt8] = []
        repeat {
            skipSpace()
            switch current {
            case nil: throw malformed("the line ends inside an object or an array")
            case 0x22?:
                unused.removeAll(keepingCapacity: true)
                _ = try string(into: &unused)
            case 0x7B?, 0x5B?:
                open.append(bytes[position] + 2)
                position += 1
            case 0x7D?, 0x5D?:
                guard open.popLast() == bytes[position] else {
                    throw malformed("a closing bracket of the wrong kind")
                }
                position += 1
            default: position += 1
            }
        } while !open.isEmpty
    }
}

// MARK: - Strings

extension JSONScanner {
    /// Reads a string and appends its unescaped UTF-8 to `output`.
    mutating func string(into output: inout [UInt8]) throws(Malformed) -> Range<Int> {
        try expect(0x22)
        let start = output.count
        var plain = position
        while true {
            guard let byte = current else { throw malformed("a string is not closed") }
            switch byte {
            case 0x22:
                output += bytes[plain..<position]
                position += 1
                return start..<output.count
            case 0x5C:
                output += bytes[plain..<position]
                position += 1
                try escape(into: &output)
                plain = position
            case 0..<0x20: throw malformed("a control character inside a string")
            default: position += 1
            }
        }
    }

    private mutating func escape(into output: inout [UInt8]) throws(Malformed) {
        guard let byte = current else { throw malformed("a string is not closed") }
        position += 1
        switch byte {
        case 0x22, 0x2F, 0x5C: output.append(byte)
        case 0x62: output.append(0x08)
        case 0x66: output.append(0x0C)
        case 0x6E: output.append(0x0A)
        case 0x72: output.append(0x0D)
        case 0x74: output.append(0x09)
        case 0x75: try unicodeEscape(into: &output)
        default: throw malformed("an unknown escape")
        }
    }

    private mutating func unicodeEscape(into output: inout [UInt8]) throws(Malformed) {
        var value = try fourHexDigits()
        if (0xD800..<0xDC00).contains(value) {
            guard current == 0x5C, position + 1 < end, bytes[position + 1] == 0x75 else {
                throw malformed("half a surrogate pair")
            }
            position += 2
            let low = try fourHexDigits()
            guard (0xDC00..<0xE000).contains(low) else {
                throw malformed("half a surrogate pair")
            }
            value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
        }
        guard value != 0 else { throw malformed("a NUL character inside a string") }
        guard let scalar = Unicode.Scalar(value) else { throw malformed("half a surrogate pair") }
        output += UTF8.encode(scalar).map { Array($0) } ?? []
    }

    private mutating func fourHexDigits() throws(Malformed) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            let digit: UInt8
            switch current {
            case let byte? where (0x30...0x39).contains(byte): digit = byte - 0x30
            case let byte? where (0x41...0x46).contains(byte): digit = byte - 0x41 + 10
            case let byte? where (0x61...0x66).contains(byte): digit = byte - 0x61 + 10
            default: throw malformed("an escape has too few hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}
