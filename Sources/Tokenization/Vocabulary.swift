public import Diagnostics

/// The word pieces of a model: the line number of `vocab.txt` is the id.
///
/// Pieces are compared as UTF-8 bytes: canonical twins (`é` and `e` with U+0301) are two pieces.
public struct Vocabulary: Sendable {
    /// All pieces, by id. Swift compares strings by canonical equivalence; compare `utf8` instead.
    public let pieces: [String]

    /// The id of `[PAD]`.
    public let padding: Int32
    /// The id of `[UNK]`.
    public let unknown: Int32
    /// The id of `[CLS]`, which begins every sequence.
    public let classification: Int32
    /// The id of `[SEP]`, which ends every text of a sequence.
    public let separator: Int32
    /// The id of `[MASK]`; a vocabulary may lack it.
    public let mask: Int32?

    let table: PieceTable

    /// The number of pieces.
    public var count: Int { pieces.count }

    /// A vocabulary of the given pieces, in order of id.
    ///
    /// - Throws: `Failure` if there are none, if two are equal byte by byte, if one holds a line
    ///   break or is empty at the end (neither survives `vocab.txt`), or if one of `[PAD]`,
    ///   `[UNK]`, `[CLS]`, `[SEP]` is missing.
    public init(pieces: [String]) throws(Failure) {
        try self.init(pieces: pieces, subject: "vocabulary")
    }

    init(pieces: [String], subject: String) throws(Failure) {
        guard let last = pieces.last else {
            throw Failure(.badData, subject, "the vocabulary holds no pieces")
        }
        guard pieces.count < Int(Int32.max) else {
            throw Failure(.limit, subject, "\(pieces.count) pieces are more than 32-bit ids reach")
        }
        var bytes: [UInt8] = []
        var starts = [0]
        starts.reserveCapacity(pieces.count + 1)
        for (id, piece) in pieces.enumerated() {
            bytes += piece.utf8
            starts.append(bytes.count)
            if bytes[starts[id]...].contains(where: { $0 == 0x0A || $0 == 0x0D }) {
                throw Failure(.badData, subject, "piece \(id) holds a line break")
            }
        }
        if last.isEmpty {
            throw Failure(.badData, subject, "the last piece (id \(pieces.count - 1)) is empty")
        }
        let table = PieceTable(bytes: bytes, starts: starts)
        if let (earlier, later) = table.duplicate {
            throw Failure(
                .badData,
                subject,
                "piece \"\(printable(pieces[later]))\" stands twice, on lines \(earlier + 1) and "
                    + "\(later + 1)"
            )
        }
        let ids = Special.allCases.map { table.find($0.rawValue) }
        let missing = zip(Special.allCases, ids).filter { $0 != .mask && $1 == nil }
        guard
            missing.isEmpty, let padding = ids[0], let unknown = ids[1],
            let classification = ids[2], let separator = ids[3]
        else {
            let names = missing.map(\.0.rawValue).joined(separator: ", ")
            let marked = pieces[0].unicodeScalars.first == "\u{FEFF}"
            throw Failure(
                .badData,
                subject,
                "the vocabulary lacks \(names)",
                remedy: marked
                    ? "It begins with a byte order mark; save it without one"
                    : "A WordPiece vocabulary has one piece a line and holds these"
            )
        }
        self.pieces = pieces
        self.table = table
        self.padding = padding
        self.unknown = unknown
        self.classification = classification
        self.separator = separator
        mask = ids[4]
    }

    /// The id of a piece, as it is written in `vocab.txt` (`##ing`).
    public func id(of piece: String) -> Int32? { table.find(piece) }
}

extension Vocabulary {
    /// The pieces with a meaning of their own, in the order the reference lists them.
    enum Special: String, CaseIterable {
        case padding = "[PAD]"
        case unknown = "[UNK]"
        case classification = "[CLS]"
        case separator = "[SEP]"
        case mask = "[MASK]"
    }

    /// The id of a special piece.
    func id(of special: Special) -> Int32? {
        switch special {
        case .padding: padding
        case .unknown: unknown
        case .classification: classification
        case .separator: separator
        case .mask: mask
        }
    }
}
