import Glibc

/// Numbers as text files of vectors have them: `-0.0123`, `1e-05`.
enum DecimalNumber {
    /// The number that all of the bytes spell; nil if they spell none, or one beyond single precision.
    static func parse(_ text: UnsafeBufferPointer<UInt8>) -> Float? {
        var index = 0
        func byte() -> UInt8 { index < text.count ? text[index] : 0 }
        let isNegative = byte() == UInt8(ascii: "-")
        if isNegative || byte() == UInt8(ascii: "+") { index += 1 }
        var (digits, exponent, seen): (UInt64, Int, Int) = (0, 0, 0)
        var isFraction = false
        while index < text.count {
            let digit = text[index] &- UInt8(ascii: "0")
            if digit < 10 {
                seen += 1
                // Nineteen digits fit, which are more than a single-precision number has.
                if digits < 1_000_000_000_000_000_000 {
                    digits = digits * 10 + UInt64(digit)
                    if isFraction { exponent -= 1 }
                } else if !isFraction {
                    exponent += 1
                }
            } else if text[index] == UInt8(ascii: "."), !isFraction {
                isFraction = true
            } else {
                break
            }
            index += 1
        }
        guard seen > 0 else { return nil }
        if index < text.count {
            guard text[index] | 0x20 == UInt8(ascii: "e") else { return nil }
            index += 1
            let isBelow = byte() == UInt8(ascii: "-")
            if isBelow || byte() == UInt8(ascii: "+") { index += 1 }
            var (power, count) = (0, 0)
            while index < text.count, text[index] &- UInt8(ascii: "0") < 10 {
                power = min(power * 10 + Int(text[index] - UInt8(ascii: "0")), 100_000)
                (count, index) = (count + 1, index + 1)
            }
            guard count > 0, index == text.count else { return nil }
            exponent += isBelow ? -power : power
        }
        let magnitude =
            exponent < 0 && exponent >= -22
            ? Double(digits) / powers[-exponent]
            : exponent == 0 || digits == 0
                ? Double(digits) : Double(digits) * pow(10, Double(exponent))
        let value = Float(isNegative ? -magnitude : magnitude)
        return value.isFinite ? value : nil
    }

    /// Those that double precision has exactly.
    private static let powers: [Double] = (0...22).map { pow(10, Double($0)) }
}
