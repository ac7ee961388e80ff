import Glibc

/// Numbers as people read them, the same in every locale.
package enum Numbers {
    /// With a fixed number of decimals; `–` for what is not a number.
    package static func fixed(_ value: Double, _ decimals: Int) -> String {
        guard !value.isNaN else { return "–" }
        guard value.isFinite else { return value < 0 ? "-∞" : "∞" }
        let text = withVaList([Int32(clamping: decimals), value]) { arguments in
            var buffer = [CChar](repeating: 0, count: 400)
            let count = Int(vsnprintf(&buffer, buffer.count, "%.*f", arguments))
            return String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
        // Nothing is minus zero to a reader.
        let isZero = text.utf8.allSatisfy { [0x2d, 0x2e, 0x30].contains($0) }
        return isZero && text.hasPrefix("-") ? String(text.dropFirst()) : text
    }

    /// `67,349`.
    package static func count(_ value: Int) -> String {
        let digits = String(value.magnitude).utf8
        var result = value < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { result += "," }
            result.unicodeScalars.append(Unicode.Scalar(digit))
        }
        return result
    }

    /// `22.7 M`: three digits and a power of a thousand.
    package static func short(_ value: Double) -> String {
        scaled(value, ["", "k", "M", "G", "T"])
    }

    /// `90.9 MB`, in powers of a thousand.
    /// With two significant digits and an exponent, `3.4e-06`; `0` for nothing.
    package static func scientific(_ value: Double) -> String {
        guard value != 0, value.isFinite else { return value == 0 ? "0" : fixed(value, 0) }
        return withVaList([value]) { arguments in
            var buffer = [CChar](repeating: 0, count: 32)
            let count = Int(vsnprintf(&buffer, buffer.count, "%.1e", arguments))
            return String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
    }

    package static func bytes(_ value: Int) -> String {
        scaled(Double(value), ["B", "kB", "MB", "GB", "TB"])
    }

    /// `0.9131` as `91.31 %`.
    package static func percent(_ value: Double, _ decimals: Int = 2) -> String {
        "\(fixed(value * 100, decimals)) %"
    }

    /// `850 ms`, `12.3 s`, `3 min 05 s`, `1 h 02 min`.
    package static func duration(seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "–" }
        if seconds < 0.9995 { return "\(fixed(seconds * 1000, seconds < 0.00995 ? 1 : 0)) ms" }
        if seconds < 59.95 { return "\(fixed(seconds, 1)) s" }
        let whole = Int(seconds.rounded())
        if whole < 3600 { return "\(whole / 60) min \(twoDigits(whole % 60)) s" }
        let minutes = Int((seconds / 60).rounded())
        return "\(minutes / 60) h \(twoDigits(minutes % 60)) min"
    }

    private static func scaled(_ value: Double, _ units: [String]) -> String {
        guard value.isFinite else { return "–" }
        var value = value
        var unit = 0
        while value.magnitude >= 999.5, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        let decimals = unit == 0 ? 0 : value.magnitude < 9.995 ? 2 : value.magnitude < 99.95 ? 1 : 0
        let number = fixed(value, decimals)
        return units[unit].isEmpty ? number : "\(number) \(units[unit])"
    }

    private static func twoDigits(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
