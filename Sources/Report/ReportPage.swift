import Diagnostics
public import Evaluation

/// A page of HTML about compared models: one file that needs no network, no script and nothing beside it.
///
/// It reads in light and dark, on paper and in a narrow window; every chart has a description, and its numbers
/// stand in a table as well.
public struct ReportPage: Sendable {
    public var title: String
    public var comparisons: [ComparisonReport]
    public var runs: [FinishedRun]
    /// Where it comes from: names and values.
    public var facts: [(name: String, value: String)] = []

    public init(title: String, comparisons: [ComparisonReport], runs: [FinishedRun] = []) {
        (self.title, self.comparisons, self.runs) = (title, comparisons, runs)
    }

    public var html: String {
        var writer = PageWriter()
        let body =
            [header] + comparisons.flatMap { writer.sections($0, isOnly: comparisons.count == 1) }
            + writer.training(runs) + writer.recipes(runs) + provenance
        var output = "<!DOCTYPE html>\n"
        Markup.tag(
            "html",
            ["lang": "en"],
            [
                .tag(
                    "head",
                    [:],
                    [
                        .tag("meta", ["charset": "utf-8"]),
                        .tag(
                            "meta",
                            [
                                "name": "viewport",
                                "content": "width=device-width, initial-scale=1",
                            ]
                        ),
                        .tag("meta", ["name": "color-scheme", "content": "light dark"]),
                        .tag("title", [:], title),
                        // Raw text: nothing in it is escaped, and nothing in it needs to be.
                        .tag("style", [:], PageStyle.text),
                    ]
                ), .tag("body", [:], [.tag("main", [:], body)]),
            ]
        ).write(to: &output)
        return output + "\n"
    }

    private var header: Markup {
        .tag(
            "header",
            [:],
            [.tag("h1", [:], title)]
                + comparisons.map { comparison in
                    .tag("p", ["class": "verdict"], comparison.headline + ".")
                }
                + comparisons.flatMap { comparison in
                    comparison.verdicts.map { .tag("p", [:], $0) }
                }
        )
    }

    private var provenance: [Markup] {
        guard !facts.isEmpty else { return [] }
        return [
            .tag(
                "section",
                [:],
                [
                    .tag("h2", [:], "Where this comes from"),
                    .tag(
                        "dl",
                        [:],
                        facts.flatMap { [.tag("dt", [:], $0.name), .tag("dd", [:], $0.value)] }
                    ),
                ]
            )
        ]
    }
}

/// Writes the sections of a page; charts get identifiers in their order.
struct PageWriter {
    private var chartCount = 0

    mutating func figure(_ chart: Chart?) -> Markup? {
        guard let chart else { return nil }
        chartCount += 1
        return .tag(
            "figure",
            ["style": "width:\(ChartNumber.pixel(chart.width))px"],
            [.tag("figcaption", [:], chart.title), chart.svg("chart\(chartCount)")]
        )
    }

    private mutating func figures(_ charts: [Chart?]) -> [Markup] {
        let figures = charts.compactMap { figure($0) }
        return figures.isEmpty ? [] : [.tag("div", ["class": "figures"], figures)]
    }

    private func section(_ title: String, _ content: [Markup]) -> [Markup] {
        content.isEmpty ? [] : [.tag("section", [:], [.tag("h2", [:], title)] + content)]
    }

    mutating func sections(_ report: ComparisonReport, isOnly: Bool) -> [Markup] {
        let unit = report.sentenceCount == nil ? "examples" : "words"
        let onWhat = report.data.map { " on \($0)" } ?? ""
        let about =
            "\(report.exampleCount) \(unit)"
            + (report.labels.isEmpty
                ? ", scored" : ", classified as " + report.labels.joined(separator: ", "))
            + (report.resamples.map {
                "; intervals of 95 % from drawing the \(report.sentenceCount == nil ? "examples" : "sentences")"
                    + " \($0) times again, seed \(report.seed ?? 0)"
            } ?? "")
        var content =
            section(
                "Teacher and students" + (isOnly ? "" : onWhat),
                [
                    .tag(
                        "p",
                        [:],
                        (isOnly ? (report.data.map { "\($0): " } ?? "") : "") + about + "."
                    )
                ]
                    + legend(report) + [table("What was kept and what it costs", report.table)]
                    + tables(report.distanceTables)
            )
        content += section(
            "Size, quality and speed",
            figures([Charts.pareto(report)]) + tables(report.costTables)
        )
        content += section(
            "Calibration",
            figures(report.models.enumerated().map { Charts.reliability($1, $0) })
                + tables(report.calibrationTables)
        )
        content += section(
            "Classes",
            tables(report.classTables)
                + [
                    .tag(
                        "div",
                        ["class": "figures"],
                        report.models.compactMap { confusion($0, report.labels) }
                    )
                ].filter { _ in report.models.contains { $0.confusion != nil } }
        )
        content += section(
            "Layers",
            figures(report.students.map { Charts.similarity($0) })
                + tables(report.layerTables)
        )
        var slices: [Markup] = []
        for (group, titled) in zip(report.slices ?? [], report.sliceTables) {
            slices += figures([Charts.slices(group, report)])
            slices.append(table(titled.title, titled.table))
        }
        content += section("Parts of the data", slices)
        content += section("Worst disagreements", tables(report.disagreementTables))
        return content
    }

    private func legend(_ report: ComparisonReport) -> [Markup] {
        guard report.models.count > 1 else { return [] }
        return [
            .tag(
                "ul",
                ["class": "legend"],
                report.models.enumerated().map { index, model in
                    .tag(
                        "li",
                        [:],
                        [
                            .tag("span", ["class": "swatch \(Charts.colour(index))"]),
                            .text(
                                model.name
                                    + (report.teacher != nil && index == 0 ? " (teacher)" : "")
                            ),
                        ]
                    )
                }
            )
        ]
    }

    private func tables(_ tables: [ComparisonReport.TitledTable]) -> [Markup] {
        tables.map { table($0.title, $0.table) }
    }

    private func table(_ title: String, _ table: TextTable) -> Markup {
        func style(_ column: TextTable.Column) -> String? {
            column.alignment == .right ? "number" : nil
        }
        let head = table.columns.map { column -> Markup in
            // An empty corner heads nothing.
            column.title.isEmpty
                ? .tag("td", [:])
                : .tag("th", ["scope": "col", "class": style(column)], printable(column.title))
        }
        let rows = table.rows.map { row -> Markup in
            .tag(
                "tr",
                [:],
                zip(table.columns, row).enumerated().map { index, cell in
                    index == 0
                        ? .tag(
                            "th",
                            ["scope": "row", "class": style(cell.0)],
                            printable(cell.1)
                        )
                        : .tag("td", ["class": style(cell.0)], printable(cell.1))
                }
            )
        }
        return scrolling(
            .tag(
                "table",
                [:],
                [
                    .tag("caption", [:], title.prefix(1).uppercased() + title.dropFirst()),
                    .tag("thead", [:], [.tag("tr", [:], head)]), .tag("tbody", [:], rows),
                ]
            ),
            title
        )
    }

    /// What is wider than the window moves by itself; the keyboard reaches it too.
    private func scrolling(_ content: Markup, _ title: String) -> Markup {
        .tag(
            "div",
            ["class": "scroll", "role": "region", "tabindex": "0", "aria-label": title],
            [content]
        )
    }

    /// Rows are true classes; a cell is as dark as its share of the row.
    private func confusion(_ model: ComparisonReport.Model, _ labels: [String]) -> Markup? {
        guard let counts = model.confusion else { return nil }
        let head: [Markup] =
            [.tag("th", ["scope": "col"], "true \\ answered")]
            + labels.map { .tag("th", ["scope": "col", "class": "number"], $0) }
        let rows = zip(labels, counts).enumerated().map { index, row -> Markup in
            let total = max(1, row.1.reduce(0, +))
            return .tag(
                "tr",
                [:],
                [.tag("th", ["scope": "row"], row.0)]
                    + row.1.enumerated().map { column, count in
                        let share = Double(count) / Double(total) * 0.55
                        return .tag(
                            "td",
                            [
                                "class": index == column
                                    ? "number shade right" : "number shade wrong",
                                "style": "--share:\(ChartNumber.short(share, 3))",
                            ],
                            "\(count)"
                        )
                    }
            )
        }
        return .tag(
            "div",
            [:],
            [
                scrolling(
                    .tag(
                        "table",
                        [:],
                        [
                            .tag("caption", [:], "Confusion of \(model.name)"),
                            .tag("thead", [:], [.tag("tr", [:], head)]), .tag("tbody", [:], rows),
                        ]
                    ),
                    "confusion of \(model.name)"
                )
            ]
        )
    }

    /// The curves of finished runs, one chart for each term of each stage.
    mutating func training(_ runs: [FinishedRun]) -> [Markup] {
        // A run has its student's colour; a teacher has the first.
        let hasTeacher = runs.contains {
            !$0.comparison.students.isEmpty && $0.comparison.teacher != nil
        }
        let first = hasTeacher ? 1 : 0
        let names = runs.flatMap { $0.curves.map(\.name) }
        var seen: Set<String> = []
        let charts = names.filter { seen.insert($0).inserted }.map { name in
            Charts.curves(
                name,
                runs.enumerated().flatMap { index, run in
                    run.curves.filter { $0.name == name }
                        .map { (index + first, run.name, $0.points) }
                }
            )
        }
        let key: [Markup] =
            runs.count > 1
            ? [
                .tag(
                    "ul",
                    ["class": "legend"],
                    runs.enumerated().map { index, run in
                        .tag(
                            "li",
                            [:],
                            [
                                .tag(
                                    "span",
                                    ["class": "swatch \(Charts.colour(index + first))"]
                                ),
                                .text(run.name),
                            ]
                        )
                    }
                )
            ] : []
        let figures = figures(charts)
        return section("Training", figures.isEmpty ? [] : key + figures)
    }

    func recipes(_ runs: [FinishedRun]) -> [Markup] {
        section(
            "How it was made",
            runs.flatMap { run -> [Markup] in
                [.tag("h3", [:], run.name)]
                    + (run.command.map { [.tag("pre", [:], $0)] } ?? [])
                    + (run.recipe.map { [.tag("pre", [:], $0)] } ?? [])
                    + (run.inputs.isEmpty
                        ? []
                        : [
                            .tag(
                                "dl",
                                [:],
                                run.inputs.flatMap {
                                    [.tag("dt", [:], $0.name), .tag("dd", [:], $0.value)]
                                }
                            )
                        ])
            }
        )
    }
}
