/// How a word is written in small and capital letters.
enum LetterCase: Sendable, Hashable {
    /// `GREAT`: two letters or more, all capital.
    case upper
    /// `Great`.
    case title
    /// Anything else, which gives no other word its case.
    case other

    init(_ word: String) {
        let letters = word.filter(\.isLetter)
        guard let first = letters.first, first.isUppercase else {
            self = .other
            return
        }
        if letters.count > 1, letters.allSatisfy(\.isUppercase) {
            self = .upper
        } else {
            self = letters.dropFirst().contains(where: \.isUppercase) ? .other : .title
        }
    }

    /// Another word in this case.
    func applied(to word: String) -> String {
        switch self {
        case .upper: word.uppercased()
        case .title: word.prefix(1).uppercased() + word.dropFirst()
        case .other: word
        }
    }
}

extension StringProtocol {
    /// Whether it has letters, and nothing else but marks on them.
    var isWordOfLetters: Bool { !isEmpty && allSatisfy(\.isLetter) }

    /// Whether it is letters, with hyphens and apostrophes among them.
    var isWord: Bool {
        guard first?.isLetter ?? false, last?.isLetter ?? false else { return false }
        return allSatisfy { $0.isLetter || $0 == "-" || $0 == "'" }
    }
}
