/// Goes over texts: folds scalars into a word's memory, and looks the word up where it ends.
///
/// A word of up to seven letters and digits of ASCII between spaces and punctuation, which most
/// words are, is looked up from where it stands.
struct WordScanner: ~Copyable {
    let tokenizer: WordPieceTokenizer
    let table: PieceTable.View
    let folding: FoldingTable.View

    /// What the texts have become, `pieceCount` of it.
    var pieces = GrowingMemory<Int32>(capacity: 256)
    var pieceCount = 0

    /// The word so far. Four bytes for each scalar it may have, and as many as a block goes too far.
    var word = GrowingMemory<UInt8>(capacity: 512)
    var byteCount = 0
    var scalarCount = 0
    /// Whether the word has more scalars than a word may have; those are not kept.
    var isTooLong = false
    /// Combining scalars since the last that is none, in canonical order.
    var combining: [(scalar: UInt32, combiningClass: UInt32)] = []
    /// For looking up long pieces.
    var chain: GrowingMemory<UInt64>

    /// The views' tables outlive the scanner.
    init(
        _ tokenizer: WordPieceTokenizer,
        table: PieceTable.View,
        folding: FoldingTable.View
    ) {
        self.tokenizer = tokenizer
        self.table = table
        self.folding = folding
        chain = GrowingMemory(capacity: table.longest / 8 + 2)
    }

    @inline(__always) private var longestWord: Int { tokenizer.configuration.maximumWordLength }

    /// Appends the pieces of a text.
    mutating func scan(_ text: UnsafeBufferPointer<UInt8>) {
        guard let bytes = text.baseAddress else { return }
        let scalars = min(longestWord, text.count)
        word.reserve(4 * scalars + 3 * PieceTable.View.overread, keeping: 0)
        var at = 0
        while at < text.count {
            switch folding.bytes[Int(bytes[at])] {
            case .word: at = scanWord(text, bytes, at)
            case .space:
                endWord()
                at += 1
            case .drop: at += 1
            case .alone:
                appendAlone(bytes[at])
                at += 1
            case .bracket:
                if let (id, length) = tokenizer.special(in: text, at: at) {
                    endWord()
                    append(id)
                    at += length
                } else {
                    appendAlone(bytes[at])
                    at += 1
                }
            case .notASCII: at = scanScalar(text, at)
            }
        }
        endWord()
    }

    /// Takes letters and digits of ASCII as long as they follow one another; returns where to go on.
    @inline(__always)
    private mutating func scanWord(
        _ text: UnsafeBufferPointer<UInt8>,
        _ bytes: UnsafePointer<UInt8>,
        _ at: Int
    ) -> Int {
        let loaded = ByteBlock.load(bytes, at, count: text.count)
        let block = ByteBlock(loaded, caseMask: folding.caseMask)
        let count = block.wordCount
        guard
            count < 8, count <= longestWord, scalarCount == 0, combining.isEmpty,
            endsWord(text, bytes, at + count)
        else { return scanLongWord(text, bytes, at) }
        let key = block.folded & PieceTable.View.mask(count)
        let check = PieceTable.View.check(short: key, count: count, .first)
        let id = table.find(short: check)
        if id >= 0 {
            append(id)
        } else {
            store(block.folded, at: 0)
            byteCount = count
            appendParts()
            byteCount = 0
        }
        return at + count
    }

    /// Whether what stands at a place leaves the word before it as it is.
    @inline(__always)
    private func endsWord(
        _ text: UnsafeBufferPointer<UInt8>,
        _ bytes: UnsafePointer<UInt8>,
        _ at: Int
    ) -> Bool {
        guard at < text.count else { return true }
        switch folding.bytes[Int(bytes[at])] {
        case .space, .alone, .bracket: return true
        case .word, .drop: return false
        case .notASCII:
            guard let (scalar, _) = decodeScalar(text, at) else { return false }
            let kind = folding.action(scalar).kind
            return kind == .space || kind == .alone
        }
    }

    /// The same for any word; what is beyond ASCII may go before it and after.
    private mutating func scanLongWord(
        _ text: UnsafeBufferPointer<UInt8>,
        _ bytes: UnsafePointer<UInt8>,
        _ start: Int
    ) -> Int {
        endCombining()
        let longest = longestWord
        var at = start
        while at < text.count {
            let loaded = ByteBlock.load(bytes, at, count: text.count)
            let block = ByteBlock(loaded, caseMask: folding.caseMask)
            let kept = min(block.wordCount, longest - scalarCount)
            store(block.folded, at: byteCount)
            byteCount += kept
            scalarCount += kept
            isTooLong = isTooLong || kept < block.wordCount
            at += block.wordCount
            if block.wordCount < 8 { break }
        }
        return at
    }

    @inline(__always)
    private mutating func store(_ block: UInt64, at place: Int) {
        UnsafeMutableRawPointer(word.start + place)
            .storeBytes(of: block.littleEndian, as: UInt64.self)
    }

    @inline(__always)
    mutating func append(_ id: Int32) {
        pieces.reserve(pieceCount + 1, keeping: pieceCount)
        pieces.start[pieceCount] = id
        pieceCount += 1
    }

    /// A byte of ASCII that is a word of its own.
    @inline(__always)
    private mutating func appendAlone(_ byte: UInt8) {
        endWord()
        let check = PieceTable.View.check(short: UInt64(byte), count: 1, .first)
        let id = table.find(short: check)
        append(id >= 0 ? id : tokenizer.vocabulary.unknown)
    }

    @inline(__always)
    mutating func endWord() {
        if !combining.isEmpty || scalarCount > 0 { endPendingWord() }
    }

    private mutating func endPendingWord() {
        endCombining()
        guard scalarCount > 0 else { return }
        if isTooLong {
            append(tokenizer.vocabulary.unknown)
        } else {
            let id = table.find(word.start, count: byteCount, .first)
            if id >= 0 { append(id) } else { appendParts() }
        }
        byteCount = 0
        scalarCount = 0
        isTooLong = false
    }

    /// The longest piece that fits, then the longest that goes on from there, and so on; `[UNK]`
    /// for the whole word if there is none at some point (Wu et al. 2016, as in BERT).
    ///
    /// The time for a word is its length times that of the longest piece, at most.
    private mutating func appendParts() {
        let before = pieceCount
        pieces.reserve(pieceCount + byteCount, keeping: pieceCount)
        var start = 0
        while start < byteCount {
            let (id, length) = table.longestPiece(
                word.start + start,
                count: byteCount - start,
                start == 0 ? .first : .later,
                chain: chain.start
            )
            guard id >= 0 else {
                pieceCount = before
                append(tokenizer.vocabulary.unknown)
                return
            }
            pieces.start[pieceCount] = id
            pieceCount += 1
            start += length
        }
    }
}
