/// The parts of speech of Universal Dependencies, in the order of their names.
///
/// - Source: de Marneffe et al. 2021, "Universal Dependencies"; universaldependencies.org/u/pos.
public enum PartOfSpeech: UInt8, Sendable, Hashable, CaseIterable {
    case adjective
    case adposition
    case adverb
    case auxiliary
    case coordinatingConjunction
    case determiner
    case interjection
    case noun
    case numeral
    case particle
    case pronoun
    case properNoun
    case punctuation
    case subordinatingConjunction
    case symbol
    case verb
    case other

    /// How files spell it: `ADJ` … `X`.
    public var name: String { Self.names[Int(rawValue)] }

    /// All names, in the order of the cases.
    public static let names = [
        "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN",
        "PUNCT", "SCONJ", "SYM", "VERB", "X",
    ]

    /// - Parameter name: `ADJ` … `X`, in capitals; nil for any other.
    public init?(name: some StringProtocol) {
        guard let index = Self.names.firstIndex(where: { $0 == name }) else { return nil }
        self.init(rawValue: UInt8(index))
    }

    /// How many there are.
    static let count = 17
}

extension PartOfSpeech: CustomStringConvertible {
    public var description: String { name }
}
