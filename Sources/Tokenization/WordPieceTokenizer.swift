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
        let ids = withBytes(text.utf8) { text in
            withScanner { scanner in
                scanner.scan(text)
                return Array(scanner.found)
            }
        }
        return ids.map { vocabulary.pieces[Int($0)] }
    }
}

extension WordPieceTokenizer {
    private func encode(
        bytes text: UnsafeBufferPointer<UInt8>,
        _ pair: UnsafeBufferPointer<UInt8>?,
        _ maximumLength: Int
    ) -> Encoding {
        withScanner { scanner in
            let sequence = scanner.scanSequence(text, pair, maximumLength: maximumLength)
            var tokenTypes = [Int32](repeating: 0, count: sequence.firstCount)
            tokenTypes += repeatElement(1, count: scanner.pieceCount - sequence.firstCount)
            return Encoding(
                ids: Array(scanner.found),
                tokenTypes: tokenTypes,
                truncated: sequence.truncated
            )
        }
    }

    /// Calls `body` with a scanner, for as many texts as it likes.
    func withScanner<Result>(_ body: (inout WordScanner) -> Result) -> Result {
        vocabulary.table.withView { table in
            folding.withView { folding in
                var scanner = WordScanner(self, table: table, folding: folding)
                return body(&scanner)
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
