import Bert
import Diagnostics
import Kernels

/// What the workers' time goes to; part of the benchmark's JSON, its names in snake case.
struct ProfileReport: Encodable {
    /// One operation, over all passes.
    struct Row: Encodable {
        /// As `ProfiledOperation` spells it.
        let operation: String
        let title: String
        let calls: Int
        /// Summed over the workers, and each worker's.
        let seconds: Double
        let workerSeconds: [Double]
        /// Of all workers' time.
        let share: Double
        let flop: Int
        let bytes: Int
        /// As if all workers did this alone, so that the limits compare. Nil where nothing is counted.
        let gflopPerS: Double?
        let gbPerS: Double?
        /// Which of the limits holds it back, and how much of it is reached; caches can give more
        /// than memory's.
        let limit: String?
        let shareOfLimit: Double?
    }

    struct Section: Encodable {
        let passes: Int
        /// Batches, steps or sentences in all passes.
        let units: Int
        /// By the clock on the wall, all passes.
        let seconds: Double
        let flop: Int
        let gflopPerS: Double
        /// The median pass when nobody recorded.
        let unprofiledPassSeconds: Double
        /// The most expensive first.
        let operations: [Row]
    }

    let workers: Int
    let limits: MachineLimits
    var forward: Section?
    var latency: Section?
    var training: Section?
}

extension ProfileReport.Section {
    init(_ profile: Profile, unitsPerPass: Int, unprofiled: Double, limits: MachineLimits) {
        let rows = ProfiledOperation.allCases
            .map { ProfileReport.Row($0, profile, limits) }
            .filter { $0.calls > 0 }
            .sorted { $0.seconds > $1.seconds }
        let flop = rows.reduce(0) { $0 + $1.flop }
        self.init(
            passes: profile.passes,
            units: profile.passes * unitsPerPass,
            seconds: profile.seconds,
            flop: flop,
            gflopPerS: Double(flop) / profile.seconds * 1e-9,
            unprofiledPassSeconds: unprofiled,
            operations: rows
        )
    }
}

extension ProfileReport.Row {
    init(_ operation: ProfiledOperation, _ profile: Profile, _ limits: MachineLimits) {
        let total = profile[operation]
        let seconds = total.seconds.reduce(0, +)
        let workers = Double(profile.workerCount)
        func rate(_ amount: Int) -> Double? {
            amount > 0 && seconds > 0 ? Double(amount) * workers / seconds * 1e-9 : nil
        }
        let (gflop, gigabytes) = (rate(total.operations), rate(total.bytes))
        let reached: Double? =
            switch operation.limit {
            case .arithmetic: gflop.map { $0 / limits.gflopPerS }
            case .memory: gigabytes.map { $0 / limits.gbPerS }
            case nil: nil
            }
        self.init(
            operation: String(describing: operation),
            title: operation.title,
            calls: total.calls,
            seconds: seconds,
            workerSeconds: total.seconds,
            share: seconds / (workers * profile.seconds),
            flop: total.operations,
            bytes: total.bytes,
            gflopPerS: gflop,
            gbPerS: gigabytes,
            limit: operation.limit.map { String(describing: $0) },
            shareOfLimit: reached
        )
    }
}

extension Benchmark {
    /// Does the measured stages' work once a round more, recording.
    func measureProfile(_ maker: StageMaker, _ results: Results) throws -> ProfileReport {
        let names: [Stage.Name] = [.sorted, .file, .whole]
        let forward = names.lazy.compactMap { results[$0]?.stage }.first
        let stages = [forward, results[.latency]?.stage, results[.training]?.stage]
            .compactMap(\.self)
        let pool = maker.pool
        let profiles = stages.map { _ in Profile(workerCount: pool.workerCount) }
        var limits = MachineLimits(of: maker.classifier.configuration, numbers.precision)
        let bar = ProgressBar(
            "profiling",
            total: rounds * stages.count,
            unit: "passes",
            isQuiet: runOptions.quiet
        )
        defer { bar.cancel() }
        for round in 0..<rounds {
            limits.measure(pool)
            for (index, stage) in stages.enumerated() {
                _ = try pool.record(into: profiles[index], stage.pass)
                bar.update(round * stages.count + index + 1)
            }
        }
        var report = ProfileReport(workers: pool.workerCount, limits: limits)
        for (stage, profile) in zip(stages, profiles) {
            // A latency pass gives a time for each sentence.
            let passes = results[stage.name]?.rounds.map { $0.reduce(0, +) } ?? []
            let section = ProfileReport.Section(
                profile,
                unitsPerPass: stage.work?.batches ?? 1,
                unprofiled: median(passes),
                limits: limits
            )
            switch stage.name {
            case .latency: report.latency = section
            case .training: report.training = section
            default: report.forward = section
            }
        }
        return report
    }
}
