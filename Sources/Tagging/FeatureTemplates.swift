/// The features of a word in its sentence.
///
/// - Source: Ratnaparkhi 1996 (the words around, the tags before, prefixes and suffixes of up to four
///   characters, capitals, digits and hyphens, which are the shape here); Toutanova et al. 2003 (pairs of
///   words, shapes, the tag before with the word); Giménez and Màrquez 2004 (ambiguity classes, of the
///   words to come too); Honnibal 2013, textblob-aptagger (endings of the neighbours, the tag before with
///   them).
enum FeatureTemplates {
    /// The most features that a word has.
    static let limit = 40

    /// Writes what does not depend on other words' tags.
    ///
    /// - Parameters:
    ///   - forms: the sentence between two edges in front and two behind.
    ///   - index: the word's place among them.
    /// - Returns: how many were written.
    @inline(__always)
    static func fixed(
        _ forms: UnsafePointer<WordForm>,
        _ index: Int,
        into features: UnsafeMutablePointer<UInt32>
    ) -> Int {
        let word = forms + index
        let (last, next) = (word - 1, word + 1)
        let (spelling, ambiguity) = (word.pointee.lower, word.pointee.ambiguity)
        var count = 0
        @inline(__always)
        func add(_ template: UInt64, _ a: UInt64, _ b: UInt64 = 0) {
            features[count] = FeatureHash.feature(template, a, b)
            count += 1
        }
        add(1, word.pointee.exact)
        add(2, spelling)
        for length in 1..<max(1, min(5, word.pointee.length)) {
            add(2 + UInt64(length), word.pointee.prefixes[length - 1])
            add(6 + UInt64(length), word.pointee.suffixes[length - 1])
        }
        add(11, word.pointee.shape)
        add(12, word.pointee.shape, word.pointee.suffixes[1])
        add(13, last.pointee.lower)
        add(14, (word - 2).pointee.lower)
        add(15, next.pointee.lower)
        add(16, (word + 2).pointee.lower)
        add(17, last.pointee.lower, spelling)
        add(18, spelling, next.pointee.lower)
        add(19, last.pointee.suffixes[2])
        add(20, next.pointee.suffixes[2])
        add(21, last.pointee.shape, word.pointee.shape)
        add(22, word.pointee.shape, next.pointee.shape)
        add(23, ambiguity)
        add(24, next.pointee.ambiguity)
        add(25, (word + 2).pointee.ambiguity)
        add(26, next.pointee.ambiguity, (word + 2).pointee.ambiguity)
        add(27, ambiguity, next.pointee.ambiguity)
        add(28, spelling, next.pointee.ambiguity)
        return count
    }

    /// Writes what depends on the two tags before.
    ///
    /// - Parameters:
    ///   - last: the number of the tag before, from 1; 0 at the sentence's start.
    ///   - lastButOne: that of the tag before it.
    /// - Returns: how many were written.
    @inline(__always)
    static func afterTags(
        _ forms: UnsafePointer<WordForm>,
        _ index: Int,
        last: UInt64,
        lastButOne: UInt64,
        into features: UnsafeMutablePointer<UInt32>
    ) -> Int {
        let (word, next) = (forms + index, forms + index + 1)
        let both = last << 5 | lastButOne
        features[0] = FeatureHash.feature(29, last)
        features[1] = FeatureHash.feature(30, lastButOne)
        features[2] = FeatureHash.feature(31, both)
        features[3] = FeatureHash.feature(32, last, word.pointee.lower)
        features[4] = FeatureHash.feature(33, last, next.pointee.lower)
        features[5] = FeatureHash.feature(34, both, word.pointee.ambiguity)
        features[6] = FeatureHash.feature(35, last, next.pointee.ambiguity)
        features[7] = FeatureHash.feature(
            36,
            last,
            word.pointee.ambiguity &* 0x9E37_79B9_7F4A_7C15 ^ next.pointee.ambiguity
        )
        return 8
    }
}
