import Bert
import Tokenization

/// The masked copies of some sentences: one for each wanted word of one piece.
struct MaskingPlan: Sendable {
    /// A word that is masked.
    struct Place: Sendable {
        let sentence: Int
        let word: Int
        /// Which of its sentence's pieces it is.
        let position: Int
        let piece: Int32
        let letterCase: LetterCase
    }

    let places: [Place]
    /// By sentence, its pieces without special ones.
    private let sentences: [[Int32]]
    private let vocabulary: Vocabulary
    private let maskID: Int32
    private let isPair: Bool
    private let longestSegment: Int

    init(_ sentences: [CandidateSentence], _ finder: MaskedCandidates) {
        let model = finder.model
        let vocabulary = model.vocabulary
        let special = [
            vocabulary.padding, vocabulary.unknown, vocabulary.classification,
            vocabulary.separator, finder.maskID,
        ]
        // A cased vocabulary has words in their case, and the model knows which belongs there.
        let keepsCase = model.tokenizerConfiguration.lowercase
        let encodings = model.tokenizer.encodeWords(
            sentences.map { $0.words[...] },
            maximumLength: Int(Int32.max)
        )
        var places: [Place] = []
        for (number, encoding) in encodings.enumerated() {
            let end = encoding.ids.count - 1
            for (index, row) in encoding.rows.enumerated() {
                let next = index + 1 < encoding.rows.count ? encoding.rows[index + 1] : end
                let (word, piece) = (encoding.words[index], encoding.ids[row])
                guard sentences[number].wanted[word], next == row + 1, !special.contains(piece)
                else { continue }
                places.append(
                    Place(
                        sentence: number,
                        word: word,
                        position: row - 1,
                        piece: piece,
                        letterCase: keepsCase
                            ? LetterCase(sentences[number].words[word]) : .other
                    )
                )
            }
        }
        self.places = places
        self.sentences = encodings.map { Array($0.ids[1..<$0.ids.count - 1]) }
        (self.vocabulary, maskID) = (vocabulary, finder.maskID)
        isPair = finder.options.context == .pair
        longestSegment = finder.longestSegment
    }

    /// The pieces that are read of a sentence: all, or as many as fit with the masked one in their middle.
    private func window(_ place: Place) -> Range<Int> {
        let count = sentences[place.sentence].count
        guard count > longestSegment else { return 0..<count }
        let start = min(max(0, place.position - longestSegment / 2), count - longestSegment)
        return start..<start + longestSegment
    }

    private func length(_ place: Place) -> Int {
        let count = min(sentences[place.sentence].count, longestSegment)
        return isPair ? 2 * count + 3 : count + 2
    }

    /// Copies that are computed together: about so many tokens, one copy at least.
    func batches(tokens limit: Int) -> [Range<Int>] {
        var result: [Range<Int>] = []
        var (start, tokens) = (0, 0)
        for (index, place) in places.enumerated() {
            let length = length(place)
            if index > start, tokens + length > limit {
                result.append(start..<index)
                (start, tokens) = (index, 0)
            }
            tokens += length
        }
        if start < places.count { result.append(start..<places.count) }
        return result
    }

    /// `[CLS] masked [SEP]`, or `[CLS] masked [SEP] as it was [SEP]`, for some places, and the rows of the
    /// masks.
    func batch(_ part: Range<Int>) -> (batch: PackedBatch, masks: [Int]) {
        var (ids, types): ([Int32], [Int32]) = ([], [])
        var (offsets, masks) = ([0], [Int]())
        for place in places[part] {
            let window = window(place)
            let pieces = sentences[place.sentence][window]
            let mask = ids.count + 1 + place.position - window.lowerBound
            ids.append(vocabulary.classification)
            ids += pieces
            ids.append(vocabulary.separator)
            ids[mask] = maskID
            masks.append(mask)
            types += repeatElement(0, count: pieces.count + 2)
            if isPair {
                ids += pieces
                ids.append(vocabulary.separator)
                types += repeatElement(1, count: pieces.count + 1)
            }
            offsets.append(ids.count)
        }
        return (PackedBatch(ids: ids, tokenTypes: types, offsets: offsets), masks)
    }
}
