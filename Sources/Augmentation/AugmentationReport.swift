/// What was made of a data set, counted.
public struct AugmentationReport: Sendable {
    /// Of the variants that a method had a part in.
    public struct MethodCount: Sendable, Hashable {
        public var variants = 0
        /// Words masked or exchanged; of n-grams the words that stayed.
        public var words = 0
        /// Words between variants and originals, summed.
        public var distance = 0
    }

    /// Of words with the same parts of speech.
    public struct ClassCount: Sendable, Hashable {
        /// In the originals.
        public var words = 0
        public var masked = 0
        public var replaced = 0
        public var exchanged = 0
        /// Variants with a changed word of the class.
        public var variants = 0

        public init() {}

        public var changed: Int { masked + replaced + exchanged }
    }

    public private(set) var rows = 0
    public private(set) var variants = 0
    /// In the order of `VariantMethods.named`.
    public private(set) var methods = [MethodCount](
        repeating: MethodCount(),
        count: VariantMethods.named.count
    )
    /// By the numbers of the words' classes.
    public private(set) var classes: [ClassCount]
    /// How many n-grams of n words stayed, by n.
    public private(set) var ngramLengths: [Int: Int] = [:]
    /// Words between variants and originals, summed.
    public private(set) var distance = 0
    /// Rows without a word, of which nothing is made.
    public private(set) var rowsWithoutWords = 0

    private let augmenter: Augmenter
    private var meter = WordDistance()
    private var row = -1
    private var original: [[UInt64]] = []

    public init(_ augmenter: Augmenter) {
        self.augmenter = augmenter
        classes = augmenter.words.classNames.map { _ in ClassCount() }
    }

    /// The mean number of words between a variant and its original.
    public var meanDistance: Double { Double(distance) / Double(max(1, variants)) }

    /// Counts a row of the data.
    public mutating func count(row: Int) {
        rows += 1
        let (words, sides) = (augmenter.words, augmenter.source.sides)
        var isEmpty = true
        for text in row * sides..<(row + 1) * sides {
            for word in words.words[words.offsets[text]..<words.offsets[text + 1]] {
                classes[Int(word.kind)].words += 1
                isEmpty = false
            }
        }
        if isEmpty { rowsWithoutWords += 1 }
    }

    public mutating func count(_ variant: Variant, in block: VariantBlock) {
        variants += 1
        let words = augmenter.words
        let sides = augmenter.source.sides
        var seen: [Int32] = []
        for change in block.changes[variant.changes] {
            let text = variant.row * sides + change.side
            let kind = words.words[words.offsets[text] + change.word].kind
            switch change.kind {
            case .mask: classes[Int(kind)].masked += 1
            case .partOfSpeech: classes[Int(kind)].replaced += 1
            case .candidate: classes[Int(kind)].exchanged += 1
            }
            if !seen.contains(kind) {
                seen.append(kind)
                classes[Int(kind)].variants += 1
            }
        }
        let between = distance(variant, block)
        distance += between
        for (index, (_, method)) in VariantMethods.named.enumerated()
        where variant.methods.contains(method) {
            methods[index].variants += 1
            methods[index].distance += between
            methods[index].words += changedWords(variant, block, method)
        }
    }

    private mutating func changedWords(
        _ variant: Variant,
        _ block: VariantBlock,
        _ method: VariantMethods
    ) -> Int {
        guard method == .ngram else {
            return block.changes[variant.changes].count { change in
                switch change.kind {
                case .mask: method == .mask
                case .partOfSpeech: method == .partOfSpeech
                case .candidate: method == .candidates
                }
            }
        }
        var sum = 0
        for side in 0..<augmenter.source.sides {
            let kept = variant.kept(side: side)
            let text = variant.row * augmenter.source.sides + side
            guard kept.count < augmenter.words.count(of: text) else { continue }
            ngramLengths[kept.count, default: 0] += 1
            sum += kept.count
        }
        return sum
    }

    /// Of both texts of a pair together.
    private mutating func distance(_ variant: Variant, _ block: VariantBlock) -> Int {
        let sides = augmenter.source.sides
        if row != variant.row {
            row = variant.row
            original = (0..<sides).map { hashes(of: variant.row, side: $0) }
        }
        var sum = 0
        for side in 0..<sides {
            var own = original[side]
            for change in block.changes[variant.changes] where change.side == side {
                own[change.word] = block.bytes.withUnsafeBufferPointer {
                    Self.hash(UnsafeBufferPointer(rebasing: $0[change.place]))
                }
            }
            let kept = variant.kept(side: side)
            sum += meter.between(original[side], Array(own[kept]))
        }
        return sum
    }

    private func hashes(of row: Int, side: Int) -> [UInt64] {
        let (words, source) = (augmenter.words, augmenter.source)
        let text = row * source.sides + side
        let start = source.place(row, side).lowerBound
        return source.bytes.withUnsafeBufferPointer { bytes in
            words.words[words.offsets[text]..<words.offsets[text + 1]].map { word in
                Self.hash(
                    UnsafeBufferPointer(
                        rebasing: bytes[start + Int(word.start)..<start + Int(word.end)]
                    )
                )
            }
        }
    }

    private static func hash(_ word: UnsafeBufferPointer<UInt8>) -> UInt64 {
        TextHash.of(word, seed: 1)
    }
}
