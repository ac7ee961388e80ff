public import Diagnostics

/// Which methods make variants, with their numbers where those are not the published ones.
public struct AugmentationSettings: Sendable, Hashable {
    /// What may change texts.
    public var methods: VariantMethods
    /// p_mask, p_pos and p_ng, each where its method is among them; nil for the published value.
    public var mask: Double?
    public var partOfSpeech: Double?
    public var ngram: Double?
    public var longestNgram: Int?
    /// p_t.
    public var replacement: Double?
    /// Lower-cased words that are neither exchanged for candidates nor are such.
    public var stopWords = StopWords.english

    public init(methods: VariantMethods) { self.methods = methods }

    /// Masks, words of the same part of speech and n-grams; nil where no such method is among them.
    ///
    /// - Throws: as `TangMethod` does.
    public func tang() throws(Failure) -> TangMethod? {
        guard !methods.isDisjoint(with: .tang) else { return nil }
        return try TangMethod(
            mask: methods.contains(.mask) ? mask ?? 0.1 : 0,
            partOfSpeech: methods.contains(.partOfSpeech) ? partOfSpeech ?? 0.1 : 0,
            ngram: methods.contains(.ngram) ? ngram ?? 0.25 : 0,
            longestNgram: longestNgram ?? 5
        )
    }

    /// - Throws: as `CandidateMethod` does.
    public func candidates() throws(Failure) -> CandidateMethod? {
        guard methods.contains(.candidates) else { return nil }
        return try CandidateMethod(replacement: replacement ?? 0.4, stopWords: stopWords)
    }
}

extension VariantMethods {
    /// The three methods of Tang et al. together.
    public static let tang: VariantMethods = [.mask, .partOfSpeech, .ngram]

    /// The names that `init(names:)` knows.
    public static let names = ["tang"] + named.map(\.name)

    /// Their names as `init(names:)` reads them, with commas between: `tang,tinybert`.
    public var list: String {
        let single = isSuperset(of: .tang) ? subtracting(.tang) : self
        return
            ((isSuperset(of: .tang) ? ["tang"] : [])
            + Self.named.filter { single.contains($0.method) }.map(\.name)).joined(separator: ",")
    }

    /// Methods by their names; nil for an unknown name, for one given twice (tang is mask, pos and ngram),
    /// and for none.
    public init?(names: [String]) {
        self = []
        for name in names {
            let method =
                name == "tang" ? .tang : Self.named.first { $0.name == name }?.method
            guard let method, isDisjoint(with: method) else { return nil }
            formUnion(method)
        }
        if isEmpty { return nil }
    }
}
