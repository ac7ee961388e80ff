import Diagnostics
import Tokenization

/// The pieces of a vocabulary that are kept, in their order.
///
/// Special pieces are kept, and so is every single character, at the beginning of a word and inside one:
/// a word whose pieces are gone is cut into smaller ones, down to its characters, so that no text has an
/// unknown piece that it had not before. Where a vocabulary has a character in longer pieces alone, all
/// of these are kept, though a word may then be cut so that none of them fits.
struct VocabularyReduction: Sendable {
    /// Old numbers, ascending; a piece's new number is its place here.
    let kept: [Int]
    private let places: [Int: Int]

    /// - Parameters:
    ///   - counts: by piece, how often the texts use it.
    ///   - size: how many pieces there are to be; `nil` for those that the texts use. Beside those that
    ///     are always kept, the most used come first and then those that no text uses, in the order of the
    ///     vocabulary, which is roughly that of how common they are.
    /// - Throws: `.usage` where the size is less than what is always kept, or no less than what there is.
    init(_ vocabulary: Vocabulary, counts: [Int], size: Int? = nil) throws(Failure) {
        precondition(counts.count == vocabulary.count, "a count for each piece")
        let always = Self.indispensable(vocabulary)
        var kept = Set(always)
        if let size {
            guard size >= always.count, size < vocabulary.count else {
                throw Failure(
                    .usage,
                    "--vocabulary-size",
                    size < always.count
                        ? "\(size) pieces are too few: \(always.count) are always kept, which are the "
                            + "special ones and the single characters"
                        : "\(size) pieces are no fewer than the \(vocabulary.count) of the vocabulary"
                )
            }
            let order = vocabulary.pieces.indices
                .filter { !kept.contains($0) && !Self.isPlaceholder(vocabulary.pieces[$0]) }
                .sorted { counts[$0] != counts[$1] ? counts[$0] > counts[$1] : $0 < $1 }
            kept.formUnion(order.prefix(size - kept.count))
        } else {
            kept.formUnion(counts.indices.filter { counts[$0] > 0 })
        }
        self.kept = kept.sorted()
        places = Dictionary(uniqueKeysWithValues: self.kept.enumerated().map { ($1, $0) })
    }

    /// The new number of a piece; `nil` for one that is gone.
    func new(_ old: Int) -> Int? { places[old] }

    /// The numbers, old and new, and the piece itself, a line each.
    func map(_ vocabulary: Vocabulary) -> String {
        var text = "old\tnew\tpiece\n"
        for (new, old) in kept.enumerated() {
            text += "\(old)\t\(new)\t\(vocabulary.pieces[old])\n"
        }
        return text
    }

    /// What is kept whatever the texts are.
    private static func indispensable(_ vocabulary: Vocabulary) -> [Int] {
        let specials = [
            vocabulary.padding, vocabulary.unknown, vocabulary.classification,
            vocabulary.separator, vocabulary.mask,
        ].compactMap { $0.map(Int.init) }
        return vocabulary.pieces.indices.filter { id in
            if specials.contains(id) { return true }
            let piece = vocabulary.pieces[id]
            if isPlaceholder(piece) { return false }
            let isInner = piece.hasPrefix(inner) && piece.utf8.count > inner.utf8.count
            let characters = piece.unicodeScalars.dropFirst(isInner ? inner.count : 0)
            if characters.count == 1 { return true }
            return characters.enumerated().contains { place, character in
                let single = (isInner || place > 0 ? inner : "") + String(character)
                return vocabulary.id(of: single) == nil
            }
        }
    }

    private static let inner = "##"

    /// `[unused7]`: what stands for no text.
    private static func isPlaceholder(_ piece: String) -> Bool {
        piece.utf8.count > 2 && piece.utf8.first == UInt8(ascii: "[")
            && piece.utf8.last == UInt8(ascii: "]")
    }
}
