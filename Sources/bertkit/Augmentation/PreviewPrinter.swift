import Augmentation
import Diagnostics

/// Shows rows with some of their variants, the changed words marked and the reasons beside.
struct PreviewPrinter: VariantReceiver {
    private(set) var text = ""
    private let augmenter: Augmenter
    private let limit: Int
    /// All that were made, shown or not.
    private(set) var variants = 0
    private var shownRows = 0
    private var shownVariants = 0
    private let terminal = Terminal.standardOutput

    /// Of each row, more would hide the next.
    private static let variantsOfRow = 5

    /// - Parameter limit: the rows that are shown.
    init(_ augmenter: Augmenter, limit: Int) {
        (self.augmenter, self.limit) = (augmenter, limit)
    }

    mutating func original(_ row: Int) {
        shownRows += 1
        shownVariants = 0
        let source = augmenter.source
        text += shownRows == 1 ? "" : "\n"
        text += "row \(row)"
        if let label = source.label(row) { text += ", label \(printable(label))" }
        text += "\n"
        for side in 0..<source.sides { text += "  \(Self.line(source.text(row, side: side)))\n" }
    }

    mutating func variant(_ variant: Variant, in block: VariantBlock) {
        variants += 1
        guard shownRows <= limit, shownVariants < Self.variantsOfRow else { return }
        shownVariants += 1
        let explanation = VariantExplanation(variant, in: block, of: augmenter)
        for (side, pieces) in explanation.texts.enumerated() {
            text += side == 0 ? "  → " : "    "
            for piece in pieces {
                let shown = Self.line(piece.text)
                text += piece.isChanged ? mark(shown) : shown
            }
            text += "\n"
        }
        let reasons = explanation.reasons.map { printable($0) }.joined(separator: ", ")
        text += "    \(terminal.styled("\(variant.methods.name): \(reasons)", .faint))\n"
    }

    private func mark(_ word: String) -> String {
        terminal.hasColor ? terminal.styled(word, .strong) : "‹\(word)›"
    }

    /// Text on one line.
    private static func line(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }
            )
        )
    }
}
