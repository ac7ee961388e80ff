import Bert
import Kernels
import Tokenization

/// Taking the measurements, round by round.
extension Benchmark {
    typealias Results = [Stage.Name: (stage: Stage, rounds: [[Double]])]

    /// Takes every measurement once to warm up, then all of them in each round.
    func measure(
        _ maker: StageMaker,
        _ distillation: Stage?,
        _ memory: inout BenchmarkReport.Memory
    ) throws -> Results {
        var stages: [Stage] = []
        // In this order each peak is of what has been done up to then.
        func add(_ stage: Stage) throws {
            _ = try stage.pass()
            stages.append(stage)
        }
        if [.all, .forward, .latency].contains(measure) {
            let engine = BertInference(
                maker.classifier.model,
                pool: maker.pool,
                precision: numbers.precision
            )
            let forward = ForwardStages(
                model: maker.classifier.model,
                engine: engine,
                workload: maker.workload,
                batchSize: batchSize
            )
            try forward.stages(measure, order).forEach(add)
            memory.forward = Machine.peakMemory
        }
        if measure == .training || (measure == .all && trainingStep && numbers.precision != .int8) {
            try add(maker.training())
            memory.training = Machine.peakMemory
        }
        if let distillation {
            try add(distillation)
            memory.training = Machine.peakMemory
        }
        if [.all, .load].contains(measure) {
            try add(maker.load())
            try add(maker.read())
        }
        if [.all, .tokenizing].contains(measure) { try maker.tokenizing().forEach(add) }
        return try takeRounds(of: stages)
    }

    /// Takes measurements that are warmed up, round by round.
    func takeRounds(of stages: [Stage]) throws -> Results {
        let bar = ProgressBar(
            "measuring",
            total: rounds * stages.count,
            unit: "passes",
            isQuiet: runOptions.quiet
        )
        var results: Results = [:]
        for stage in stages { results[stage.name] = (stage, []) }
        for round in 0..<rounds {
            for (index, stage) in stages.enumerated() {
                do {
                    try results[stage.name]?.rounds.append(stage.pass())
                } catch {
                    bar.cancel()
                    throw error
                }
                bar.update(round * stages.count + index + 1)
            }
        }
        bar.cancel()
        return results
    }

    /// - Parameter maker: nil where nothing but going forward was measured.
    func fill(_ report: inout BenchmarkReport, _ maker: StageMaker?, _ results: Results) {
        func rate(_ name: Stage.Name) -> BenchmarkReport.Rate? {
            guard let (stage, rounds) = results[name], let work = stage.work else { return nil }
            return BenchmarkReport.Rate(work, allSeconds: rounds.flatMap(\.self))
        }
        if let load = results[.load]?.rounds.flatMap(\.self),
            let read = results[.read]?.rounds.flatMap(\.self)
        {
            report.load = BenchmarkReport.Load(
                seconds: median(load),
                allSeconds: load,
                readSeconds: median(read),
                allReadSeconds: read
            )
        }
        let forward = BenchmarkReport.Forward(
            whole: rate(.whole),
            file: rate(.file),
            sorted: rate(.sorted)
        )
        let headline = forward.sorted ?? forward.file ?? forward.whole
        if headline != nil { report.forward = forward }
        report.latency = results[.latency].map { BenchmarkReport.Latency($0.rounds) }
        report.trainingStep = rate(.training)
        report.distillationStep = rate(.distillation)
        report.tokenizing = maker.flatMap {
            BenchmarkReport.Tokenizing($0.texts, tokens: $0.workload.all.tokenCount, results)
        }

        switch measure {
        case .all, .candidates: break
        case .forward:
            (report.seconds, report.examplesPerS) = (headline?.seconds, headline?.examplesPerS)
        case .training:
            report.seconds = report.trainingStep?.seconds
            report.examplesPerS = report.trainingStep?.examplesPerS
        case .distillation:
            report.seconds = report.distillationStep?.seconds
            report.examplesPerS = report.distillationStep?.examplesPerS
        case .latency:
            report.seconds = report.latency.map { $0.p50Ms / 1e3 }
            report.examplesPerS = report.latency.map { 1e3 / $0.p50Ms }
        case .load: report.seconds = report.load?.seconds
        case .tokenizing:
            let speed = report.tokenizing?.allWorkers ?? report.tokenizing?.oneWorker
            (report.seconds, report.examplesPerS) = (speed?.seconds, speed?.examplesPerS)
        }
    }
}
