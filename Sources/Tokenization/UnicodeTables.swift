/// What the reference tokenizer does with every scalar value, as ranges and mappings.
///
/// The tables are written by `fixtures/generate/tokenizer_tables.py`. They are frozen because the
/// reference library's categories, decompositions and lower-casing come from Unicode versions of
/// different age, and the standard library's own would change the pieces with the tool chain.
enum UnicodeTables {
    /// Hangul syllables are decomposed by arithmetic (The Unicode Standard, section 3.12).
    static let hangul: ClosedRange<UInt32> = 0xAC00...0xD7A3
    static let leadingJamo: UInt32 = 0x1100
    static let vowelJamo: UInt32 = 0x1161
    static let trailingJamo: UInt32 = 0x11A7
    static let vowelCount: UInt32 = 21
    static let trailingCount: UInt32 = 28

    /// Calls `body` with each first and last of a flat list of ranges.
    static func forEachRange(_ ranges: [UInt32], _ body: (ClosedRange<UInt32>) -> Void) {
        for at in stride(from: 0, to: ranges.count, by: 2) {
            body(ranges[at]...ranges[at + 1])
        }
    }

    /// Calls `body` with each scalar that lower-casing changes to one other, and that other.
    static func forEachLowercase(_ body: (_ scalar: UInt32, _ lowered: UInt32) -> Void) {
        for at in stride(from: 0, to: lowercase.count, by: 4) {
            let (first, last, step) = (lowercase[at], lowercase[at + 1], lowercase[at + 2])
            for scalar in stride(from: first, through: last, by: Int(step)) {
                body(scalar, lowercase[at + 3] + (scalar - first))
            }
        }
    }

    /// Calls `body` with each scalar of which stripping accents leaves one other, and that other.
    static func forEachBase(_ body: (_ scalar: UInt32, _ base: UInt32) -> Void) {
        var at = 0
        while at < bases.count {
            let (first, count) = (bases[at], bases[at + 1])
            for step in 0..<count { body(first + step, bases[at + 2 + Int(step)]) }
            at += 2 + Int(count)
        }
    }

    /// Calls `body` with each scalar of a list of expansions and what it becomes.
    static func forEachExpansion(
        _ expansions: [UInt32],
        _ body: (_ scalar: UInt32, _ targets: ArraySlice<UInt32>) -> Void
    ) {
        var at = 0
        while at < expansions.count {
            let end = at + 2 + Int(expansions[at + 1])
            body(expansions[at], expansions[(at + 2)..<end])
            at = end
        }
    }
}
