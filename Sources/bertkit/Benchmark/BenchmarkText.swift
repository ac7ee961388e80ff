import Diagnostics

extension BenchmarkReport {
    /// The report for people.
    var text: String {
        let sizes =
            model.units.map { "BiLSTM of \($0) units in each direction" }
            ?? "\(model.layers ?? 0) layers × \(model.hidden)"
        let mean = Numbers.fixed(data.meanLength, 1)
        let lines = [
            "model    \(printable(model.name)): \(sizes), "
                + "\(Numbers.short(Double(model.parameters))) parameters",
            "data     \(printable(data.name)): \(Numbers.count(data.examples)) examples, "
                + "\(Numbers.count(data.tokens)) pieces, \(mean) each",
            "machine  \(printable(machine.cpu)): \(machine.processors) processors, "
                + "\(machine.workers) workers, \(printable(machine.matrixLibrary)), load "
                + Numbers.fixed(machine.loadAverage, 1),
        ]
        let parts = [
            lines.joined(separator: "\n") + "\n", rateTable, tokenizingTable, otherTable,
            profile?.text,
        ]
        return parts.compactMap(\.self).joined(separator: "\n")
    }

    private var rateTable: String? {
        let batches = "batches of \(data.batchSize)"
        let rates: [(String, Rate?)] = [
            ("forward, all at once", forward?.whole),
            ("forward, \(batches) in file order", forward?.file),
            ("forward, \(batches) by length", forward?.sorted),
            ("training, \(batches) \(data.trainingOrder)", trainingStep),
            ("distilling, \(batches) \(data.trainingOrder)", distillationStep),
        ]
        guard rates.contains(where: { $0.1 != nil }) else { return nil }
        var table = TextTable([
            TextTable.Column("median of \(rounds)"), TextTable.Column("examples/s", .right),
            TextTable.Column("pieces/s", .right), TextTable.Column("GFLOP/s", .right),
            TextTable.Column("max ÷ min", .right),
        ])
        for case (let title, let rate?) in rates {
            table.append([
                title, Numbers.fixed(rate.examplesPerS, 1), Numbers.fixed(rate.tokensPerS, 0),
                Numbers.fixed(rate.gflopPerS, 1), spread(rate.allSeconds),
            ])
        }
        return table.plain
    }

    private var tokenizingTable: String? {
        guard let tokenizing else { return nil }
        var table = TextTable([
            TextTable.Column("median of \(rounds)"), TextTable.Column("sentences/s", .right),
            TextTable.Column("MB/s", .right), TextTable.Column("pieces/s", .right),
            TextTable.Column("max ÷ min", .right),
        ])
        let speeds: [(String, Tokenizing.Speed?)] = [
            ("tokenizing, one worker", tokenizing.oneWorker),
            ("tokenizing, \(machine.workers) workers", tokenizing.allWorkers),
        ]
        for case (let title, let speed?) in speeds {
            table.append([
                title, Numbers.fixed(speed.examplesPerS, 0), Numbers.fixed(speed.mbPerS, 1),
                Numbers.fixed(speed.tokensPerS, 0), spread(speed.allSeconds),
            ])
        }
        return table.plain
    }

    private var otherTable: String? {
        var table = TextTable([
            TextTable.Column("median of \(rounds)"), TextTable.Column("", .right),
            TextTable.Column("max ÷ min", .right),
        ])
        if let latency {
            table.append([
                "one sentence, half take at most", "\(Numbers.fixed(latency.p50Ms, 3)) ms",
                spread(latency.allP50Ms),
            ])
            table.append([
                "one sentence, 95 % take at most", "\(Numbers.fixed(latency.p95Ms, 3)) ms",
                spread(latency.allP95Ms),
            ])
        }
        if let load {
            table.append([
                "opening the model", "\(Numbers.fixed(load.seconds, 4)) s",
                spread(load.allSeconds),
            ])
            table.append([
                "reading its file alone", "\(Numbers.fixed(load.readSeconds, 4)) s",
                spread(load.allReadSeconds),
            ])
        }
        let memory = [
            ("peak memory, model opened", peakMemoryBytes.loaded),
            ("peak memory, forward too", peakMemoryBytes.forward),
            ("peak memory, training too", peakMemoryBytes.training),
        ]
        for case (let title, let bytes?) in memory {
            table.append([title, Numbers.bytes(bytes), ""])
        }
        return table.rows.isEmpty ? nil : table.plain
    }

    private func spread(_ values: [Double]) -> String {
        guard let least = values.min(), let most = values.max(), least > 0 else { return "–" }
        return Numbers.fixed(most / least, 2)
    }
}
