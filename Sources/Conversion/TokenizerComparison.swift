import Bert
import Diagnostics
import Foundation
import Tokenization

/// Whether two models cut texts into the same pieces; the same weights answer otherwise if not.
enum TokenizerComparison {
    /// What differs, as sentences; empty where one of both has no vocabulary to be compared.
    static func differences(_ first: Checkpoint, _ second: Checkpoint) -> [String] {
        guard let one = first.tokenizer, let other = second.tokenizer else { return [] }
        guard let vocabulary = try? one.loadVocabulary(),
            let otherVocabulary = try? other.loadVocabulary()
        else { return [] }
        var found: [String] = []
        let (pieces, otherPieces) = (vocabulary.pieces, otherVocabulary.pieces)
        if pieces.count != otherPieces.count {
            found.append("vocabulary: \(pieces.count) and \(otherPieces.count) pieces")
        }
        let different = zip(pieces, otherPieces).enumerated()
            .filter { !$1.0.utf8.elementsEqual($1.1.utf8) }
        if let (id, (piece, otherPiece)) = different.first {
            found.append(
                "vocabulary: \(different.count) pieces differ, first number \(id): "
                    + "\"\(printable(piece))\" and \"\(printable(otherPiece))\""
            )
        }
        guard let settings = try? one.loadConfiguration(vocabulary),
            let otherSettings = try? other.loadConfiguration(otherVocabulary)
        else { return found }
        func compare(_ what: String, _ one: Bool, _ other: Bool) {
            guard one != other else { return }
            found.append("\(what): \(one ? "yes" : "no") and \(other ? "yes" : "no")")
        }
        compare("letters are lower-cased", settings.lowercase, otherSettings.lowercase)
        compare("accents are stripped", settings.stripsAccents, otherSettings.stripsAccents)
        compare(
            "Chinese characters stand alone",
            settings.splitChineseCharacters,
            otherSettings.splitChineseCharacters
        )
        return found
    }
}
