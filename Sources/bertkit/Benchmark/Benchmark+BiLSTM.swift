import BiLSTM
import Datasets
import Diagnostics
import Evaluation
import Foundation
import Kernels
import Tokenization

/// How fast a BiLSTM answers.
extension Benchmark {
    func measureBiLSTM() throws {
        guard [.all, .forward, .latency].contains(measure), !profile else {
            throw Failure(
                .usage,
                model,
                "of a BiLSTM only forward passes and latency are measured",
                remedy: "Give --measure forward or --measure latency, without --profile"
            )
        }
        guard let data else {
            throw Failure(
                .usage,
                model,
                "a BiLSTM is measured on texts",
                remedy: "Give them with --data"
            )
        }
        let remarks = Remarks(isQuiet: runOptions.quiet)
        let classifier = try SequenceClassifier(contentsOf: URL(filePath: model))
        guard let bilstm = classifier.model as? BiLSTMModel else {
            preconditionFailure("a BiLSTM's folder with another model")
        }
        try bilstm.checkRuns(in: numbers.precision)
        let loadedPeak = Machine.peakMemory
        let texts = try LabelledFile(
            contentsOf: URL(filePath: data),
            kind: .texts,
            options: columns.readerOptions(labels: .ifPresent)
        )
        remarks.note(texts)
        let workers = inference.compute.workerCount
        let workload = Workload(
            try classifier.encode(texts, maximumLength: inference.maxLength, workers: workers),
            name: texts.name
        )
        let pool = WorkerPool(workerCount: workers)
        let forward = ForwardStages(
            model: bilstm,
            engine: BiLSTMInference(bilstm, pool: pool),
            workload: workload,
            batchSize: batchSize
        )
        let stages = forward.stages(measure, order)
        for stage in stages { _ = try stage.pass() }
        let configuration = bilstm.configuration
        var report = BenchmarkReport(
            model: BenchmarkReport.Model(
                name: model,
                hidden: configuration.hiddenSize,
                embedding: configuration.embeddingSize,
                units: configuration.units,
                parameters: bilstm.parameterCount.total,
                weightsBytes: try BiLSTMFolder(contentsOf: classifier.url).weightsByteCount
            ),
            data: BenchmarkReport.Data(
                name: workload.name,
                examples: workload.count,
                tokens: workload.all.tokenCount,
                meanLength: Double(workload.all.tokenCount) / Double(workload.count),
                batchSize: batchSize,
                trainingOrder: trainingOrder.rawValue
            ),
            machine: Machine(workers: workers, numbers.precision),
            rounds: rounds
        )
        report.peakMemoryBytes.loaded = loadedPeak
        report.peakMemoryBytes.forward = Machine.peakMemory
        fill(&report, nil, try takeRounds(of: stages))
        switch format {
        case .text: try StandardOutput.write(report.text)
        case .json: try StandardOutput.write(report.json())
        }
    }
}
