/// BERT's tokenizer: words of folded text, cut into the longest pieces of a vocabulary.
///
/// Gives the ids of the Rust library `tokenizers` 0.22 with `BertNormalizer`, `BertPreTokenizer`
/// and `WordPiece`, which is what `BertTokenizerFast` of `transformers` runs. Special pieces that
/// stand literally in a text (`[SEP]`) become the special ids, as there.
///
/// A tokenizer may be used from several threads at once.
public struct WordPieceTokenizer: Sendable {
    public let vocabulary: Vocabulary
    public let configuration: TokenizerConfiguration

    let folding: FoldingTable
    /// The special pieces of the vocabulary as they stand in a text.
    private let specials: [(bytes: [UInt8], id: Int32)]

    /// - Precondition: `maximumWordLength` is 1 to 1,048,576.
    public init(vocabulary: Vocabulary, configuration: TokenizerConfiguration) {
        precondition((1...1 << 20).contains(configuration.maximumWordLength), "maximumWordLength")
        self.vocabulary = vocabulary
        self.configuration = configuration
        folding = FoldingTable(configuration)
        specials = Vocabulary.Special.allCases.compactMap { special in
            vocabulary.id(of: special).map { (Array(special.rawValue.utf8), $0) }
        }
    }

    /// The sequence `[CLS] text [SEP]`, or `[CLS] text [SEP] pair [SEP]`.
    ///
    /// Texts that are too long lose pieces at their ends: the longer of a pair until both are
    /// equally long, then both; the second keeps the odd piece. Special pieces around them are
    /// never cut.
    ///
    /// - Parameters:
    ///   - text: UTF-8. Bytes that are not are passed over.
    ///   - maximumLength: The most tokens of the result, special ones included; at least as many
    ///     as these (2, or 3 with a pair), which stay even if it is less.
    public func encode<Text: Collection<UInt8>>(
        _ text: Text,
        pair: Text? = nil,
        maximumLength: Int
    ) -> Encoding {
        withBytes(text) { text in
            guard let pair else { return encode(bytes: text, nil, maximumLength) }
            return withBytes(pair) { encode(bytes: text, $0, maximumLength) }
        }
    }

    /// The sequence of a string, or of a pair of them; see ``encode(_:pair:maximumLength:)``.
    public func encode(_ text: String, pair: String? = nil, maximumLength: Int) -> Encoding {
        encode(text.utf8, pair: pair?.utf8, maximumLength: maximumLength)
    }

    /// The pieces of a text, without special ones around it.
    public func tokens(_ text: String) -> [String] {
        var ids: [Int32] = []
        withBytes(text.utf8) { append($0, to: &ids) }
        return ids.map { vocabulary.pieces[Int($0)] }
    }
}

extension WordPieceTokenizer {
    private func encode(
        bytes text: UnsafeBufferPointer<UInt8>,
        _ pair: UnsafeBufferPointer<UInt8>?,
        _ maximumLength: Int
    ) -> Encoding {
        var ids: [Int32] = []
        ids.reserveCapacity((text.count + (pair?.count ?? 0)) / 4 + 8)
        ids.append(vocabulary.classification)
        append(text, to: &ids)
        let firstCount = ids.count - 1
        ids.append(vocabulary.separator)
        guard let pair else {
            let kept = max(0, min(firstCount, maximumLength - 2))
            ids.removeSubrange((1 + kept)..<(1 + firstCount))
            let tokenTypes = [Int32](repeating: 0, count: ids.count)
            return Encoding(ids: ids, tokenTypes: tokenTypes, truncated: firstCount - kept)
        }
        append(pair, to: &ids)
        let secondCount = ids.count - firstCount - 2
        let kept = longestFirst(firstCount, secondCount, room: max(0, maximumLength - 3))
        ids.removeLast(secondCount - kept.second)
        ids.removeSubrange((1 + kept.first)..<(1 + firstCount))
        ids.append(vocabulary.separator)
        var tokenTypes = [Int32](repeating: 0, count: kept.first + 2)
        tokenTypes += repeatElement(1, count: kept.second + 1)
        let cut = firstCount - kept.first + secondCount - kept.second
        return Encoding(ids: ids, tokenTypes: tokenTypes, truncated: cut)
    }

    /// How many pieces of either text stay when both may have `room` together.
    private func longestFirst(
        _ first: Int,
        _ second: Int,
        room: Int
    ) -> (first: Int, second: Int) {
        guard first + second > room else { return (first, second) }
        let shorter = min(first, second)
        if 2 * shorter <= room {
            return first > second ? (room - second, second) : (first, room - first)
        }
        let (less, more) = (room / 2, room - room / 2)
        return first > second ? (more, less) : (less, more)
    }

    private func append(_ text: UnsafeBufferPointer<UInt8>, to ids: inout [Int32]) {
        let capacity = 4 * max(1, min(configuration.maximumWordLength, text.count))
        let longest = min(capacity, vocabulary.table.longest)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: capacity) { word in
            withUnsafeTemporaryAllocation(of: UInt64.self, capacity: longest) { hashes in
                var scanner = WordScanner(self, word: word, hashes: hashes)
                swap(&scanner.ids, &ids)
                scanner.scan(text)
                swap(&scanner.ids, &ids)
            }
        }
    }

    /// The special piece that stands at a place of the text, and its length in bytes.
    func special(
        in text: UnsafeBufferPointer<UInt8>,
        at place: Int
    ) -> (id: Int32, length: Int)? {
        for (bytes, id) in specials where text.count - place >= bytes.count {
            if text[place..<(place + bytes.count)].elementsEqual(bytes) { return (id, bytes.count) }
        }
        return nil
    }

    private func withBytes<Result>(
        _ text: some Collection<UInt8>,
        _ body: (UnsafeBufferPointer<UInt8>) -> Result
    ) -> Result {
        text.withContiguousStorageIfAvailable(body) ?? Array(text).withUnsafeBufferPointer(body)
    }
}
