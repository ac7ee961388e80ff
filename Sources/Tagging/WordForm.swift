/// What the features see of one word: hashes of its spelling, of its beginnings and endings and of its shape.
struct WordForm {
    /// The word as it is spelled.
    var exact: UInt64
    /// Small letters, and every digit as 0.
    var lower: UInt64
    /// The first 1…4 characters of `lower`; 0 where the word has no more than those.
    var prefixes = SIMD4<UInt64>()
    /// Its last 1…4 characters; 0 where it has fewer.
    var suffixes = SIMD4<UInt64>()
    /// Characters of `lower`.
    var length = 0
    /// Kinds of characters without repetition: `Xx` for London, `0/0` for 9/11.
    var shape: UInt64
    /// Which tags training has seen the word with, or for a rare word its last three characters.
    var ambiguity: UInt64 = 0
    /// The tag of a word that has hardly another.
    var onlyTag: PartOfSpeech?

    /// What stands before a sentence's first word, and behind its last.
    static let before = WordForm(edge: 1)
    static let farBefore = WordForm(edge: 2)
    static let after = WordForm(edge: 3)

    private init(edge number: UInt64) {
        // No hash of bytes is as small, so that no word is an edge.
        exact = number
        lower = number
        shape = number
        ambiguity = number << 20
    }

    init(_ word: String) {
        var word = word
        self = word.withUTF8 { Self.form(of: $0) }
    }

    private static func form(of word: UnsafeBufferPointer<UInt8>) -> WordForm {
        if let bracket = bracket(of: word) {
            return withUnsafePointer(to: bracket) { byte in
                let word = UnsafeBufferPointer(start: byte, count: 1)
                return WordForm(exact: word, lower: word, shape: word)
            }
        }
        if word.contains(where: { $0 >= 0x80 }) { return unicodeForm(of: word) }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 2 * word.count) { memory in
            for (index, byte) in word.enumerated() {
                let (lower, shape) = folded(byte)
                memory.initializeElement(at: index, to: lower)
                memory.initializeElement(at: word.count + index, to: shape)
            }
            return WordForm(
                exact: word,
                lower: UnsafeBufferPointer(rebasing: memory[..<word.count]),
                shape: UnsafeBufferPointer(rebasing: memory[word.count...])
            )
        }
    }

    /// The small letter, or 0 for a digit, and the kind of an ASCII character.
    @inline(__always)
    private static func folded(_ byte: UInt8) -> (lower: UInt8, shape: UInt8) {
        switch byte {
        case 0x61...0x7A: (byte, 0x78)
        case 0x41...0x5A: (byte | 0x20, 0x58)
        case 0x30...0x39: (0x30, 0x30)
        default: (byte, byte)
        }
    }

    /// The character that the Penn Treebank spells `-LRB-`, `-rcb-` and so on.
    private static func bracket(of word: UnsafeBufferPointer<UInt8>) -> UInt8? {
        guard word.count == 5, word[0] == 0x2D, word[4] == 0x2D, word[3] | 0x20 == 0x62 else {
            return nil
        }
        return switch (word[1] | 0x20, word[2] | 0x20) {
        case (0x6C, 0x72): 0x28
        case (0x72, 0x72): 0x29
        case (0x6C, 0x73): 0x5B
        case (0x72, 0x73): 0x5D
        case (0x6C, 0x63): 0x7B
        case (0x72, 0x63): 0x7D
        default: nil
        }
    }

    /// The same for words with other characters than ASCII's, by the properties of each.
    private static func unicodeForm(of word: UnsafeBufferPointer<UInt8>) -> WordForm {
        let text = String(decoding: word, as: UTF8.self)
        var lower: [UInt8] = []
        for scalar in text.lowercased().unicodeScalars {
            switch scalar {
            // One apostrophe is as good as another.
            case "\u{2018}", "\u{2019}": lower.append(0x27)
            case _ where scalar.properties.numericType == .decimal: lower.append(0x30)
            default: lower += UTF8.encode(scalar).map { Array($0) } ?? []
            }
        }
        let shape = text.unicodeScalars.map { scalar -> UInt8 in
            if scalar.isASCII { return folded(UInt8(scalar.value)).shape }
            if scalar.value == 0x2018 || scalar.value == 0x2019 { return 0x27 }
            let properties = scalar.properties
            if properties.isUppercase { return 0x58 }
            if properties.isAlphabetic { return 0x78 }
            if properties.numericType == .decimal { return 0x30 }
            return UInt8(truncatingIfNeeded: scalar.value) | 0x80
        }
        return word.withMemoryRebound(to: UInt8.self) { word in
            lower.withUnsafeBufferPointer { lower in
                shape.withUnsafeBufferPointer { shape in
                    WordForm(exact: word, lower: lower, shape: shape)
                }
            }
        }
    }

    /// - Parameter shape: the kind of each character.
    private init(
        exact word: UnsafeBufferPointer<UInt8>,
        lower: UnsafeBufferPointer<UInt8>,
        shape kinds: UnsafeBufferPointer<UInt8>
    ) {
        exact = FeatureHash.bytes(word)
        var hash = FeatureHash.start
        for byte in lower {
            // A byte that begins a character ends the prefix before it.
            if byte & 0xC0 != 0x80 {
                if (1...4).contains(length) { prefixes[length - 1] = hash }
                length += 1
            }
            hash = FeatureHash.adding(byte, to: hash)
        }
        self.lower = hash
        hash = FeatureHash.start
        var taken = 0
        for byte in lower.reversed() {
            hash = FeatureHash.adding(byte, to: hash)
            guard byte & 0xC0 != 0x80 else { continue }
            suffixes[taken] = hash
            taken += 1
            if taken == 4 { break }
        }
        hash = FeatureHash.start
        var last: UInt8 = 0
        for kind in kinds where kind != last {
            hash = FeatureHash.adding(kind, to: hash)
            last = kind
        }
        shape = hash
    }

    /// The key of the word in a tagger's dictionary.
    var key: UInt32 { FeatureHash.feature(0, lower) }

    /// What stands for a word that the dictionary has too rarely, or not at all.
    var ending: UInt64 { 1 << 32 | suffixes[2] << 1 }
}
