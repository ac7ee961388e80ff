import Augmentation
import Diagnostics

/// What was made, as tables for a person.
struct ReportText {
    let text: String

    private static let shownClasses = 20

    init(
        _ report: AugmentationReport,
        _ dropped: DroppedVariants,
        _ agreement: TeacherAgreement?,
        _ augmenter: Augmenter
    ) {
        let tried = report.variants + dropped.all
        var text =
            "\(printable(augmenter.source.name)): \(Numbers.count(report.rows)) "
            + "\(augmenter.source.hasPairs ? "pairs" : "texts"), \(Numbers.count(report.variants)) variants "
            + "of \(Numbers.count(tried)) tried\n"
        text +=
            "dropped: \(Numbers.count(dropped.repeated)) that were there already, "
            + "\(Numbers.count(dropped.unchanged)) without a change, "
            + "\(Numbers.count(dropped.masksAlone)) of masks alone\n"
        if report.rowsWithoutWords > 0 {
            text += "\(Numbers.count(report.rowsWithoutWords)) rows have no word and no variant\n"
        }
        text += "\n" + Self.methods(report, agreement).plain
        if !report.ngramLengths.isEmpty { text += "\n" + Self.lengths(report) }
        let classes = Self.classes(report, augmenter)
        if !classes.rows.isEmpty { text += "\n" + classes.plain }
        if let agreement {
            let about = "\(Numbers.count(agreement.variants)) variants"
            let mean = agreement.mean(agreement.variants, agreement.sum)
            text +=
                agreement.isRegression
                ? "\nThe teacher's score moves by \(mean) on average, of \(about) asked about.\n"
                : "\nThe teacher gives \(mean) of \(about) asked about the label of their originals.\n"
        }
        self.text = text
    }

    private static func methods(
        _ report: AugmentationReport,
        _ agreement: TeacherAgreement?
    ) -> TextTable {
        var columns: [TextTable.Column] = [
            .init("method"), .init("variants", .right), .init("words a variant", .right),
            .init("distance", .right),
        ]
        if let agreement {
            columns.append(.init(agreement.isRegression ? "score moves" : "label kept", .right))
        }
        var table = TextTable(columns)
        for (number, (name, _)) in VariantMethods.named.enumerated() {
            let count = report.methods[number]
            guard count.variants > 0 else { continue }
            let (words, distance) = (Double(count.words), Double(count.distance))
            var cells = [
                name, Numbers.count(count.variants),
                Numbers.fixed(words / Double(count.variants), 2),
                Numbers.fixed(distance / Double(count.variants), 2),
            ]
            if let agreement {
                let own = agreement.byMethod[number]
                cells.append(agreement.mean(own.variants, own.sum))
            }
            table.append(cells)
        }
        var cells = [
            "all", Numbers.count(report.variants), "", Numbers.fixed(report.meanDistance, 2),
        ]
        if let agreement { cells.append(agreement.mean(agreement.variants, agreement.sum)) }
        table.append(cells)
        return table
    }

    private static func lengths(_ report: AugmentationReport) -> String {
        let all = report.ngramLengths.values.reduce(0, +)
        let parts = report.ngramLengths.sorted { $0.key < $1.key }.prefix(20).map {
            "\($0.key): \(Numbers.percent(Double($0.value) / Double(all), 1))"
        }
        return "n-grams by their words: \(parts.joined(separator: ", "))\n"
    }

    /// The classes of most changed words.
    private static func classes(_ report: AugmentationReport, _ augmenter: Augmenter) -> TextTable {
        var table = TextTable([
            .init("tag"), .init("words", .right), .init("variants", .right),
            .init("masked", .right), .init("replaced", .right), .init("exchanged", .right),
        ])
        guard augmenter.words.areTagged else { return table }
        let changed = report.classes.enumerated().filter { $0.element.changed > 0 }
            .sorted { ($1.element.changed, $0.offset) < ($0.element.changed, $1.offset) }
        func append(_ name: String, _ count: AugmentationReport.ClassCount) {
            table.append(
                [name]
                    + [count.words, count.variants, count.masked, count.replaced, count.exchanged]
                    .map { Numbers.count($0) }
            )
        }
        for (number, count) in changed.prefix(shownClasses) {
            append(augmenter.words.classNames[number], count)
        }
        var rest = AugmentationReport.ClassCount()
        for (_, count) in changed.dropFirst(shownClasses) { rest.add(count) }
        if rest.changed > 0 { append("\(changed.count - shownClasses) others", rest) }
        return table
    }
}

extension AugmentationReport.ClassCount {
    fileprivate mutating func add(_ other: Self) {
        words += other.words
        masked += other.masked
        replaced += other.replaced
        exchanged += other.exchanged
        variants += other.variants
    }
}
