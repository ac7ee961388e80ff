/// Capitals of words that are exchanged for others.
enum Casing {
    /// Whether a word begins with a capital letter and has no other.
    static func isCapitalized(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Bool {
        guard let first = ScalarText.first(text, range), isUpper(first.value) else { return false }
        var rest = range.lowerBound + first.length..<range.upperBound
        while let scalar = ScalarText.first(text, rest) {
            if isUpper(scalar.value) { return false }
            rest = rest.lowerBound + scalar.length..<range.upperBound
        }
        return true
    }

    /// With its first letter as a capital.
    static func capitalized(_ word: [UInt8]) -> [UInt8] {
        guard let first = word.first, first >= 0x80 else {
            return word.first.map {
                [$0 - ((0x61...0x7A).contains($0) ? 0x20 : 0)] + word.dropFirst()
            }
                ?? []
        }
        let scalars = String(decoding: word, as: UTF8.self).unicodeScalars
        guard let letter = scalars.first else { return word }
        return Array((letter.properties.titlecaseMapping + String(scalars.dropFirst())).utf8)
    }

    /// In small letters.
    static func lowercased(_ word: [UInt8]) -> [UInt8] {
        Array(String(decoding: word, as: UTF8.self).lowercased().utf8)
    }

    private static func isUpper(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x80
            ? (0x41...0x5A).contains(scalar.value)
            : scalar.properties.isUppercase || scalar.properties.generalCategory == .titlecaseLetter
    }
}
