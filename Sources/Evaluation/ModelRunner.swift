public import Bert
public import Datasets
public import Diagnostics
import Dispatch
import Foundation
public import Kernels
import Tokenization

/// Runs models over data, for their answers and their speed.
public enum ModelRunner {
    /// A model's answers to all examples, with what it costs.
    ///
    /// - Parameters:
    ///   - name: how the report calls the model.
    ///   - bytesOnDisk: the size of its weights file.
    ///   - precision: of the products, where it is available.
    ///   - rounds: how often the data is run; the fastest round is reported.
    ///   - latencySamples: how many examples are also run alone, evenly spread over the data.
    ///   - progress: told now and then how many examples of a round are done.
    /// - Throws: `Failure` of kind `.interrupted` after a signal.
    public static func measure(
        _ model: any SequenceModel,
        name: String,
        bytesOnDisk: Int,
        on data: EncodedDataset,
        pool: WorkerPool,
        precision: Precision = .f32,
        rounds: Int = 1,
        latencySamples: Int = 0,
        progress: (_ examples: Int) -> Void = { _ in }
    ) throws(Failure) -> ModelMeasurement {
        let inference = model.inference(pool: pool, precision: precision)
        // The first sequences compile the products' shapes and fetch the weights.
        _ = inference.logits(data.batch(0..<min(32, data.count)))
        var logits: [Float] = []
        var seconds = Double.infinity
        var processorSeconds = Double.infinity
        for _ in 0..<max(1, rounds) {
            let before = processorTime()
            let start = DispatchTime.now().uptimeNanoseconds
            logits = try inference.logits(
                data,
                of: model.taskKind,
                pool: pool,
                progress: progress
            )
            seconds = min(seconds, self.seconds(since: start))
            processorSeconds = min(processorSeconds, processorTime() - before)
        }
        let count = model.parameterCount
        var measurement = ModelMeasurement(
            name: name,
            logits: logits,
            parameterCount: count.total,
            parameterCountWithoutEmbeddings: count.withoutEmbeddings,
            bytesOnDisk: bytesOnDisk,
            flopsPerToken: model.operationsPerToken(
                meanLength: Double(data.tokenCount) / Double(max(1, data.count))
            ),
            seconds: seconds,
            tokenCount: data.tokenCount,
            exampleCount: data.count
        )
        measurement.processorSeconds = processorSeconds
        measurement.bytesInMemory = model.weightByteCount(in: precision)
        let samples = min(latencySamples, data.count)
        measurement.latencies = (0..<samples).map { sample in
            let example = sample * data.count / samples
            let batch = data.batch(example..<example + 1)
            let start = DispatchTime.now().uptimeNanoseconds
            _ = inference.logits(batch)
            return self.seconds(since: start)
        }
        return measurement
    }

    private static func seconds(since start: UInt64) -> Double {
        Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9
    }

    /// Of all threads of this process, in seconds.
    private static func processorTime() -> Double {
        var usage = rusage()
        getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double {
            Double(time.tv_sec) + Double(time.tv_usec) * 1e-6
        }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    /// A model's answers alone, `[examples, C]` row-major.
    ///
    /// - Parameter progress: told now and then how many examples are done.
    /// - Throws: `Failure` of kind `.interrupted` after a signal.
    public static func logits(
        _ model: any SequenceModel,
        on data: EncodedDataset,
        pool: WorkerPool,
        progress: (_ examples: Int) -> Void = { _ in }
    ) throws(Failure) -> [Float] {
        try model.inference(pool: pool, precision: .f32)
            .logits(data, of: model.taskKind, pool: pool, progress: progress)
    }
}

extension SequenceInference {
    /// Tokens between two reports of progress: a second's work or less, yet so many shards that
    /// workers hardly wait for each other at the end.
    private static var stretchTokens: Int { 1 << 15 }

    /// The logits of all examples, `[examples, C]` row-major.
    fileprivate func logits(
        _ data: EncodedDataset,
        of kind: TaskKind,
        pool: WorkerPool,
        progress: (Int) -> Void
    ) throws(Failure) -> [Float] {
        var logits: [Float] = []
        logits.reserveCapacity(data.count * kind.outputCount)
        var start = 0
        while start < data.count {
            var end = start + 1
            while end < data.count,
                data.offsets[end + 1] - data.offsets[start] <= Self.stretchTokens
            {
                end += 1
            }
            logits += pool.abandoning(when: Interruption.isRequested) {
                self.logits(data.batch(start..<end))
            }
            try Interruption.check()
            progress(end)
            start = end
        }
        return logits
    }
}

extension BertConfiguration {
    /// What the head's outputs mean, as the data's labels are read.
    public var taskKind: TaskKind {
        switch problemType {
        case .classification: .classification(labels: labels)
        case .regression: .regression
        }
    }
}
