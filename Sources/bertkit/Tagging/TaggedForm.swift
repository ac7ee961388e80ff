import ArgumentParser
import Diagnostics
import Tagging

/// How tagged words are written.
enum TaggedForm: String, CaseIterable, ExpressibleByArgument {
    /// A sentence a line, `The/DET sky/NOUN`; a slash of a word is `\/`.
    case tagged
    /// A word, a tab and its tag a line, and an empty line behind each sentence.
    case columns
    /// CoNLL-U, with `FORM`, `UPOS` and `SpaceAfter` alone.
    case conllu

    /// Adds a text's words.
    func append(
        _ words: TextWords,
        _ tags: ArraySlice<PartOfSpeech>,
        to text: inout String
    ) throws(Failure) {
        guard self == .conllu, words.count > 0 else {
            return try append(words.strings[...], tags, from: "the text", to: &text)
        }
        text += "# text = \(words.text)\n"
        for (index, tag) in tags.enumerated() {
            let misc = words.touchesNext(index) ? "SpaceAfter=No" : "_"
            text += Self.row(index + 1, String(words[index]), tag, misc)
        }
        text += "\n"
    }

    /// Adds a sentence.
    ///
    /// - Throws: `Failure` naming `file` for a word that the form cannot hold.
    func append(
        _ words: ArraySlice<String>,
        _ tags: ArraySlice<PartOfSpeech>,
        from file: String,
        to text: inout String
    ) throws(Failure) {
        for word in words { try check(word, file) }
        switch self {
        case .tagged:
            let tokens = zip(words, tags).map { "\($0.replacing("/", with: "\\/"))/\($1)" }
            text += tokens.joined(separator: " ") + "\n"
        case .columns:
            for (word, tag) in zip(words, tags) { text += "\(word)\t\(tag)\n" }
            if !words.isEmpty { text += "\n" }
        case .conllu:
            for (number, (word, tag)) in zip(words, tags).enumerated() {
                text += Self.row(number + 1, word, tag, "_")
            }
            if !words.isEmpty { text += "\n" }
        }
    }

    private static func row(_ number: Int, _ word: String, _ tag: PartOfSpeech, _ misc: String)
        -> String
    {
        "\(number)\t\(word)\t_\t\(tag)\t_\t_\t_\t_\t_\t\(misc)\n"
    }

    /// Words of files may hold what separates words here.
    private func check(_ word: String, _ file: String) throws(Failure) {
        let bad: (UInt8) -> Bool = self == .tagged ? { $0 <= 0x20 } : { $0 < 0x20 }
        guard word.utf8.contains(where: bad) else { return }
        throw Failure(
            .badData,
            file,
            "the word '\(printable(word))' holds a space, a tab or a line end, which separates words in "
                + "the format \(rawValue)",
            remedy: self == .tagged ? "Choose --format columns" : nil
        )
    }
}
