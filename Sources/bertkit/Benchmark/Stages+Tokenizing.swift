import Bert
import Datasets
import Diagnostics
import Kernels
import Tokenization

extension StageMaker {
    /// Cutting all texts into pieces, as every command that reads a task file does.
    ///
    /// - Parameter workers: one is a stage of its own.
    func tokenizing(_ texts: TaskFile, workers: Int) -> Stage {
        Stage(name: workers == 1 ? .tokenizingAlone : .tokenizing, work: nil) {
            () throws(Failure) in
            let start = now()
            let encoded = try EncodedDataset(
                texts,
                kind: nil,
                tokenizer: classifier.tokenizer,
                maximumLength: maximumLength,
                workers: workers
            )
            let seconds = now() - start
            withExtendedLifetime(encoded) {}
            return [seconds]
        }
    }

    /// On one worker and, where there are more, on all of them.
    func tokenizing() -> [Stage] {
        guard let texts else { return [] }
        let alone = tokenizing(texts, workers: 1)
        return pool.workerCount == 1
            ? [alone] : [alone, tokenizing(texts, workers: pool.workerCount)]
    }
}

extension BenchmarkReport {
    /// How fast texts become pieces.
    struct Tokenizing: Encodable {
        /// Medians over the rounds, and each round.
        struct Speed: Encodable {
            let seconds: Double
            let examplesPerS: Double
            /// Millions of bytes of UTF-8.
            let mbPerS: Double
            let tokensPerS: Double
            let allSeconds: [Double]
        }

        let examples: Int
        let textBytes: Int
        /// Pieces, special ones included.
        let tokens: Int
        let oneWorker: Speed
        /// Nil where one is all.
        let allWorkers: Speed?
    }
}

extension BenchmarkReport.Tokenizing {
    /// Nil if the texts were not measured.
    init?(_ texts: TaskFile?, tokens: Int, _ results: Benchmark.Results) {
        guard let texts else { return nil }
        func speed(_ name: Stage.Name) -> Speed? {
            guard let rounds = results[name]?.rounds.flatMap(\.self) else { return nil }
            let seconds = median(rounds)
            return Speed(
                seconds: seconds,
                examplesPerS: Double(texts.count) / seconds,
                mbPerS: Double(texts.textByteCount) / seconds * 1e-6,
                tokensPerS: Double(tokens) / seconds,
                allSeconds: rounds
            )
        }
        guard let oneWorker = speed(.tokenizingAlone) else { return nil }
        self.init(
            examples: texts.count,
            textBytes: texts.textByteCount,
            tokens: tokens,
            oneWorker: oneWorker,
            allWorkers: speed(.tokenizing)
        )
    }
}
