import Evaluation

/// The charts of a comparison. Models are told apart by the colours `c0` to `c7` in the order of the report,
/// and by their names.
enum Charts {
    static func colour(_ index: Int) -> String { "c\(index % 8)" }

    /// The measure of quality, its name, and its interval.
    static func quality(_ model: ComparisonReport.Model, _ task: ComparisonReport.Task) -> Double? {
        switch task {
        case .classification: model.accuracy
        case .tokenClassification: model.entityF1 ?? model.accuracy
        case .regression: model.pearson
        }
    }

    static func qualityName(_ report: ComparisonReport) -> String {
        switch report.task {
        case .classification: "accuracy"
        case .tokenClassification:
            report.models.contains { $0.entityF1 != nil } ? "F1 of entities" : "accuracy of words"
        case .regression: "Pearson correlation"
        }
    }

    /// Size against quality, a bubble for each model as large as it is fast.
    static func pareto(_ report: ComparisonReport) -> Chart? {
        let models = report.models.enumerated().compactMap { index, model in
            quality(model, report.task).map { (index: index, model: model, quality: $0) }
        }
        guard models.count > 1 else { return nil }
        let speeds = models.compactMap(\.model.examplesPerSecond)
        var chart = Chart(
            "Size against \(qualityName(report))",
            models.map {
                "\($0.model.name): \(ChartNumber.bytes(Double($0.model.bytesOnDisk))), "
                    + "\(ChartNumber.short($0.quality, 4))"
                    + ($0.model.examplesPerSecond.map {
                        ", \(ChartNumber.count($0)) examples a second"
                    } ?? "")
            }.joined(separator: "; "),
            width: 680,
            height: 340
        )
        let x = chart.horizontal(
            Scale.logDomain(models.map { Double($0.model.bytesOnDisk) }),
            isLogarithmic: true
        )
        let y = chart.vertical(
            Scale.domain(
                models.flatMap { entry in
                    [
                        entry.quality, entry.model.qualityInterval?.low,
                        entry.model.qualityInterval?.high,
                    ].compactMap(\.self)
                }
            )
        )
        chart.axes(x, "bytes on disk", y, qualityName(report), xNumber: ChartNumber.bytes)
        let front = models.filter { own in
            !models.contains { other in
                other.index != own.index && other.quality >= own.quality
                    && other.model.bytesOnDisk <= own.model.bytesOnDisk
                    && (other.quality > own.quality
                        || other.model.bytesOnDisk < own.model.bytesOnDisk)
            }
        }
        chart.path(
            front.sorted { $0.model.bytesOnDisk < $1.model.bytesOnDisk }
                .map { (x(Double($0.model.bytesOnDisk)), y($0.quality)) },
            "front"
        )
        let fastest = speeds.max() ?? 1
        var taken: [(x: Double, y: Double)] = []
        for entry in models {
            let (px, py) = (x(Double(entry.model.bytesOnDisk)), y(entry.quality))
            if let interval = entry.model.qualityInterval {
                chart.line(
                    px,
                    y(interval.low),
                    px,
                    y(interval.high),
                    "whisker \(colour(entry.index))"
                )
            }
            let share = (entry.model.examplesPerSecond ?? 0) / fastest
            let radius = 5 + 13 * max(0, share).squareRoot()
            chart.circle(
                px,
                py,
                radius,
                "bubble \(colour(entry.index))",
                "\(entry.model.name): \(ChartNumber.short(entry.quality, 4))"
            )
            let isRight = px > chart.width * 0.68
            var labelY = py + 4
            while taken.contains(where: { abs($0.y - labelY) < 14 && abs($0.x - px) < 150 }) {
                labelY += 15
            }
            taken.append((px, labelY))
            chart.text(
                entry.model.name,
                isRight ? px - radius - 5 : px + radius + 5,
                labelY,
                anchor: isRight ? "end" : "start",
                style: "label"
            )
        }
        return chart
    }

    /// How often a model is right by how sure it is.
    static func reliability(_ model: ComparisonReport.Model, _ index: Int) -> Chart? {
        guard let calibration = model.calibration else { return nil }
        var chart = Chart(
            "Reliability of \(model.name)",
            "Confidence and accuracy of \(calibration.bins.count) groups of examples: "
                + calibration.bins.map {
                    "\(ChartNumber.fixed($0.confidence, 2)) and \(ChartNumber.fixed($0.accuracy, 2))"
                }.joined(separator: ", "),
            width: 300,
            height: 270
        )
        let lowest = calibration.bins.map { min($0.confidence, $0.accuracy) }.min() ?? 0
        let domain = max(0, (lowest * 10).rounded(.down) / 10)...1.0
        let (x, y) = (chart.horizontal(domain), chart.vertical(domain))
        chart.axes(x, "confidence", y, "accuracy")
        chart.line(x(domain.lowerBound), y(domain.lowerBound), x(1), y(1), "diagonal")
        chart.path(
            calibration.bins.map { (x($0.confidence), y($0.accuracy)) },
            "curve \(colour(index))"
        )
        for bin in calibration.bins {
            chart.circle(
                x(bin.confidence),
                y(bin.accuracy),
                3.5,
                "dot \(colour(index))",
                "\(bin.count) examples: confidence \(ChartNumber.fixed(bin.confidence, 3)), accuracy "
                    + ChartNumber.fixed(bin.accuracy, 3)
            )
        }
        return chart
    }

    /// The alignment of each of the teacher's states with each of a student's.
    static func similarity(_ model: ComparisonReport.Model) -> Chart? {
        guard let layers = model.layers, let first = layers.alignment.first else { return nil }
        let cell = (width: 46.0, height: 26.0)
        let (rows, columns) = (layers.alignment.count, first.count)
        var chart = Chart(
            "Layers of \(model.name) and its teacher's",
            "Centred kernel alignment: "
                + layers.pairs.compactMap { pair in
                    layers.alignment[pair.teacher][pair.student].map {
                        "student \(name(pair.student)) with teacher \(name(pair.teacher)) "
                            + ChartNumber.fixed($0, 2)
                    }
                }.joined(separator: ", "),
            width: 116 + cell.width * Double(columns),
            height: 58 + cell.height * Double(rows)
        )
        let (left, top) = (104.0, 22.0)
        chart.text("teacher", left - 6, 14, anchor: "end", style: "name")
        for (row, values) in layers.alignment.enumerated() {
            // The last layer stands above, as in a network that is read upwards.
            let y = top + cell.height * Double(rows - 1 - row)
            chart.text(name(row), left - 6, y + 17, anchor: "end", style: "tick")
            for (column, value) in values.enumerated() {
                let x = left + cell.width * Double(column)
                let isMapped = layers.pairs.contains { $0.teacher == row && $0.student == column }
                let share = max(0, min(1, value ?? 0))
                chart.add(
                    .tag(
                        "rect",
                        [
                            "x": ChartNumber.pixel(x + 1), "y": ChartNumber.pixel(y + 1),
                            "width": ChartNumber.pixel(cell.width - 2),
                            "height": ChartNumber.pixel(cell.height - 2),
                            "class": isMapped ? "cell mapped" : "cell",
                            "fill-opacity": ChartNumber.short(share * 0.55, 2),
                        ]
                    )
                )
                chart.text(
                    value.map { ChartNumber.fixed($0, 2) } ?? "–",
                    x + cell.width / 2,
                    y + 17,
                    anchor: "middle",
                    style: isMapped ? "value strong" : "value"
                )
            }
        }
        let below = top + cell.height * Double(rows)
        for column in 0..<columns {
            chart.text(
                column == 0 ? "emb." : "\(column)",
                left + cell.width * (Double(column) + 0.5),
                below + 15,
                anchor: "middle",
                style: "tick"
            )
        }
        chart.text(
            "student",
            left + cell.width * Double(columns) / 2,
            below + 31,
            anchor: "middle",
            style: "name"
        )
        return chart
    }

    private static func name(_ layer: Int) -> String {
        layer == 0 ? "embeddings" : "layer \(layer)"
    }

    /// The quality on parts of the examples, a row for each part, a dot for each model.
    static func slices(_ group: ComparisonReport.SliceGroup, _ report: ComparisonReport) -> Chart? {
        let values = group.slices.flatMap { $0.models.compactMap(\.quality) }
        guard group.slices.count > 1, !values.isEmpty else { return nil }
        let measure = report.task == .regression ? "squared error" : "accuracy"
        var chart = Chart(
            "\(measure.prefix(1).uppercased() + measure.dropFirst()) by \(group.name)",
            group.slices.map { slice in
                "\(slice.name) (\(slice.count) examples): "
                    + zip(report.models, slice.models).map { model, measures in
                        "\(model.name) \(measures.quality.map { ChartNumber.fixed($0, 3) } ?? "unknown")"
                    }.joined(separator: ", ")
            }.joined(separator: "; "),
            width: 680,
            height: 56 + 26 * Double(group.slices.count)
        )
        chart.left = 190
        chart.right = 24
        let x = chart.horizontal(Scale.domain(values, room: 0.05))
        for tick in x.ticks {
            chart.line(x(tick), chart.top, x(tick), chart.height - chart.bottom, "grid")
            chart.text(
                ChartNumber.short(tick),
                x(tick),
                chart.height - chart.bottom + 17,
                anchor: "middle",
                style: "tick"
            )
        }
        chart.text(
            measure,
            (chart.left + chart.width - chart.right) / 2,
            chart.height - 6,
            anchor: "middle",
            style: "name"
        )
        for (row, slice) in group.slices.enumerated() {
            let y = chart.top + 26 * (Double(row) + 0.5)
            let name = slice.name.count > 16 ? slice.name.prefix(15) + "…" : slice.name[...]
            chart.text(
                "\(name) (\(slice.count))",
                chart.left - 8,
                y + 4,
                anchor: "end",
                style: "label"
            )
            let places = slice.models.compactMap { $0.quality.map(x.callAsFunction) }
            if let low = places.min(), let high = places.max() {
                chart.line(low, y, high, y, "span")
            }
            for (index, measures) in slice.models.enumerated() {
                guard let quality = measures.quality else { continue }
                chart.circle(
                    x(quality),
                    y,
                    5,
                    "dot \(colour(index))",
                    "\(report.models[index].name), \(slice.name): \(ChartNumber.fixed(quality, 4))"
                )
            }
        }
        return chart
    }

    /// Lines over the steps of training, one for each run.
    static func curves(
        _ name: String,
        _ lines: [(index: Int, name: String, points: [(step: Double, value: Double)])]
    )
        -> Chart?
    {
        let drawn = lines.filter { $0.points.count > 1 }
        guard !drawn.isEmpty else { return nil }
        var chart = Chart(
            "\(name) over the steps",
            drawn.map { line in
                "\(line.name): from \(ChartNumber.short(line.points[0].value, 4)) to "
                    + ChartNumber.short(line.points[line.points.count - 1].value, 4)
            }.joined(separator: "; "),
            width: 330,
            height: 230
        )
        let x = chart.horizontal(
            0...(drawn.flatMap { $0.points.map(\.step) }.max() ?? 1)
        )
        let y = chart.vertical(Scale.domain(drawn.flatMap { $0.points.map(\.value) }))
        chart.axes(x, "step", y, name, xNumber: ChartNumber.count)
        for line in drawn {
            chart.path(line.points.map { (x($0.step), y($0.value)) }, "curve \(colour(line.index))")
        }
        return chart
    }
}
