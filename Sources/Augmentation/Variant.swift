/// What made a variant another text than its original.
public struct VariantMethods: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Words became masks.
    public static let mask = VariantMethods(rawValue: 1)
    /// Words were exchanged for others of their part of speech.
    public static let partOfSpeech = VariantMethods(rawValue: 2)
    /// One n-gram stayed.
    public static let ngram = VariantMethods(rawValue: 4)
    /// Words were exchanged for candidates that fit their places.
    public static let candidates = VariantMethods(rawValue: 8)

    /// Single methods with their names, in order.
    public static let named: [(name: String, method: VariantMethods)] = [
        ("mask", .mask), ("pos", .partOfSpeech), ("ngram", .ngram), ("tinybert", .candidates),
    ]

    private static let spellings: [String] = (0..<16).map { value in
        named.filter { value & Int($0.method.rawValue) != 0 }.map(\.name).joined(separator: "+")
    }

    /// Their names, as in `mask+ngram`.
    public var name: String { Self.spellings[Int(rawValue & 15)] }
}

/// A word that is not as in the original.
public struct WordChange: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        case mask
        case partOfSpeech
        /// Which candidate of the word's, from 1.
        case candidate(rank: Int)
    }

    public let kind: Kind
    /// 1 in the second text of a pair.
    public let side: Int
    /// The word's number in the original.
    public let word: Int
    /// The new word's UTF-8 in the block's bytes.
    public let place: Range<Int>
}

/// A text, or a pair, made from a row of the data.
public struct Variant: Sendable {
    public let row: Int
    public let methods: VariantMethods
    /// Its UTF-8 in the block's bytes.
    public let text: Range<Int>
    public let pair: Range<Int>?
    /// Its changed words among the block's.
    public let changes: Range<Int>
    /// Which words of either text stayed, changed or not; the second's are empty for single texts.
    public let kept: (first: Range<Int>, second: Range<Int>)
    let hash: UInt64

    /// The words of one side that stayed.
    public func kept(side: Int) -> Range<Int> { side == 0 ? kept.first : kept.second }
}

/// Variants of some neighbouring rows.
public struct VariantBlock: Sendable {
    public internal(set) var rows = 0..<0
    public internal(set) var bytes: [UInt8] = []
    public internal(set) var variants: [Variant] = []
    public internal(set) var changes: [WordChange] = []
    var dropped = DroppedVariants()

    /// A variant's text, or with side 1 the second of its pair.
    public func text(_ variant: Variant, side: Int = 0) -> String {
        String(decoding: bytes[side == 0 ? variant.text : variant.pair ?? 0..<0], as: UTF8.self)
    }
}

/// Iterations that gave no variant, by the reason.
public struct DroppedVariants: Sendable, Hashable {
    /// The draws changed no word.
    public internal(set) var unchanged = 0
    /// The text was there already: an original, or an earlier variant of any row.
    public internal(set) var repeated = 0
    /// Masks alone were left.
    public internal(set) var masksAlone = 0

    public init() {}

    public var all: Int { unchanged + repeated + masksAlone }

    static func += (sum: inout DroppedVariants, other: DroppedVariants) {
        sum.unchanged += other.unchanged
        sum.repeated += other.repeated
        sum.masksAlone += other.masksAlone
    }
}
