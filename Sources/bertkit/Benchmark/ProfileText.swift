import Diagnostics

extension ProfileReport {
    /// The tables for people.
    var text: String {
        let shape = limits.product.map(String.init).joined(separator: " × ")
        let lines = [
            "limits   \(Numbers.fixed(limits.gflopPerS, 1)) GFLOP/s (a product of \(shape)), "
                + "\(Numbers.fixed(limits.gbPerS, 1)) GB/s (a copy of "
                + "\(Numbers.bytes(limits.copyBytes)), read and written), all workers together",
            "         a row's rates are as if all workers did it alone; caches can give more than "
                + "memory's limit",
        ]
        let sections: [(String, String, Section?)] = [
            ("forward", "batch", forward), ("one sentence", "sentence", latency),
            ("training", "step", training),
        ]
        let tables = sections.compactMap { title, unit, section in
            section?.text(title, unit: unit, workers: workers)
        }
        return ([lines.joined(separator: "\n") + "\n"] + tables).joined(separator: "\n")
    }
}

extension ProfileReport.Section {
    fileprivate func text(_ title: String, unit: String, workers: Int) -> String {
        let units = Double(units)
        var table = TextTable([
            TextTable.Column("\(title), by \(unit)"), TextTable.Column("ms", .right),
            TextTable.Column("share", .right), TextTable.Column("calls", .right),
            TextTable.Column("MFLOP", .right), TextTable.Column("MB", .right),
            TextTable.Column("GFLOP/s", .right), TextTable.Column("GB/s", .right),
            TextTable.Column("of limit", .right),
        ])
        for row in operations {
            table.append([
                row.title, Numbers.fixed(row.seconds / units * 1e3, 3),
                Numbers.percent(row.share, 1), Numbers.fixed(Double(row.calls) / units, 1),
                amount(Double(row.flop) / units), amount(Double(row.bytes) / units),
                rate(row.gflopPerS), rate(row.gbPerS),
                row.shareOfLimit.map { Numbers.percent($0, 0) } ?? "",
            ])
        }
        let passSeconds = seconds / Double(max(1, passes))
        let whole = Numbers.fixed(seconds / units * 1e3, 3)
        let cost = Numbers.percent(passSeconds / unprofiledPassSeconds - 1, 1)
        let busy = (0..<workers).map { worker in
            let waiting = operations.first { $0.operation == "waiting" }
            return Numbers.percent(1 - (waiting?.workerSeconds[worker] ?? 0) / seconds, 0)
        }
        return table.plain
            + "\(whole) ms a \(unit) on \(workers) workers (time above is summed over them), "
            + "\(Numbers.fixed(gflopPerS, 1)) GFLOP/s; against the same unrecorded \(cost)\n"
            + "busy, by worker: \(busy.joined(separator: ", "))\n"
    }

    private func amount(_ value: Double) -> String {
        value > 0 ? Numbers.fixed(value * 1e-6, value < 1e7 ? 2 : 0) : ""
    }

    private func rate(_ value: Double?) -> String {
        value.map { Numbers.fixed($0, 1) } ?? ""
    }
}
