import Bert
import Checkpoints
import Datasets
import Diagnostics
import Foundation
import Glibc
import Kernels
import Randomness
import Tokenization
import Training

/// Something measured once a round.
struct Stage {
    enum Name: String, CaseIterable {
        case load, read, whole, file, sorted, latency, training
        case tokenizing, tokenizingAlone
    }

    let name: Name
    /// Nil where nothing is computed.
    let work: WorkAmount?
    /// Does it once; the seconds it took, or for latency each sentence's.
    let pass: () throws(Failure) -> [Double]
}

/// Makes stages. Whatever a stage needs is made with it, so that a pass is only the work itself.
struct StageMaker {
    let path: String
    let classifier: TextClassifier
    let workload: Workload
    /// The texts of the workload, where it is made of texts.
    let texts: TaskFile?
    let maximumLength: Int
    let batchSize: Int
    let pool: WorkerPool
    let precision: Precision

    static let latencySentences = 200
    static let trainingSteps = 20

    private var configuration: BertConfiguration { classifier.configuration }

    /// Opening the folder: configuration, vocabulary, and every weight in its place.
    func load() -> Stage {
        Stage(name: .load, work: nil) { () throws(Failure) in
            let start = now()
            let opened = try TextClassifier(contentsOf: URL(filePath: path))
            let seconds = now() - start
            withExtendedLifetime(opened) {}
            return [seconds]
        }
    }

    /// Reading the bytes of the weights and nothing else.
    func read() -> Stage {
        Stage(name: .read, work: nil) { () throws(Failure) in
            let start = now()
            for file in try weightFiles() { try readThrough(file) }
            return [now() - start]
        }
    }

    func forward(_ engine: BertInference, _ name: Stage.Name) -> Stage {
        let batches =
            switch name {
            case .file: workload.batches(.file, size: batchSize)
            case .sorted: workload.batches(.byLength, size: batchSize)
            default: [workload.all]
            }
        return Stage(name: name, work: WorkAmount(batches, of: configuration)) {
            () throws(Failure) in
            let start = now()
            for batch in batches { _ = engine.logits(batch) }
            return [now() - start]
        }
    }

    func latency(_ engine: BertInference) -> Stage {
        let singles = workload.singles(limit: Self.latencySentences)
        return Stage(name: .latency, work: WorkAmount(singles, of: configuration)) {
            () throws(Failure) in
            singles.map { single in
                let start = now()
                _ = engine.logits(single)
                return now() - start
            }
        }
    }

    /// Forward, backward and AdamW, on a copy of the weights.
    func training() -> Stage {
        let seed: UInt64 = 42
        let sampler = BatchSampler(
            lengths: workload.lengths,
            batchSize: min(batchSize, workload.count),
            order: .shuffled(seed: seed)
        )
        // The last batch of an epoch may be a smaller one.
        let groups = sampler.epoch(0).prefix(Self.trainingSteps)
            .filter { $0.count == sampler.batchSize }
        let batches = groups.map { workload.batch($0) }
        let model = BertModel(copying: classifier.model)
        let optimizer = AdamW(
            model,
            constants: AdamW.Constants(weightDecay: 0.01, clipNorm: 1),
            pool: pool
        )
        let training = TrainingPass(model, pool: pool, precision: precision)
        let gradients = Gradients(model.layout)
        let objective: any Objective =
            switch configuration.problemType {
            case .classification:
                CrossEntropyLoss(
                    targets: workload.targets,
                    classCount: configuration.labels.count
                )
            case .regression: MeanSquaredError(targets: workload.targets)
            }
        return Stage(
            name: .training,
            work: WorkAmount(batches, of: configuration, passes: 3)
        ) { () throws(Failure) in
            let start = now()
            for (group, batch) in zip(groups, batches) {
                optimizer.prepare(batch.ids)
                let logits = training.forward(
                    batch,
                    dropoutSeed: seed,
                    step: UInt32(optimizer.stepCount)
                )
                pool.recorder(0)?.lap(.planning)
                let value = objective.evaluate(logits: logits, examples: group)
                pool.recorder(0)?.lap(.loss, floats: 2 * logits.count)
                training.backward(value.gradient, into: gradients, accumulate: false)
                let norm = optimizer.gradientNorm(gradients)
                guard norm.isFinite else {
                    throw Failure(
                        .diverged,
                        path,
                        "a training step's gradient is not finite",
                        remedy: "Measure without it: --no-training-step"
                    )
                }
                optimizer.step(gradients, norm: norm, learningRate: 1e-6)
            }
            return [now() - start]
        }
    }

    private func weightFiles() throws(Failure) -> [URL] {
        let folder = URL(filePath: path)
        let single = folder.appending(path: "tf_model.h5")
        if FileManager.default.fileExists(atPath: single.path) { return [single] }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".h5") || $0.hasSuffix(".hdf5") }.sorted()
            .map { folder.appending(path: $0) }
    }

    private func readThrough(_ file: URL) throws(Failure) {
        let descriptor = open(file.path, O_RDONLY | O_CLOEXEC)
        var count = -1
        if descriptor >= 0 {
            defer { close(descriptor) }
            withUnsafeTemporaryAllocation(byteCount: 1 << 20, alignment: 4096) { buffer in
                repeat {
                    count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                } while count > 0 || (count < 0 && errno == EINTR)
            }
        }
        guard count == 0 else {
            let problem = String(cString: strerror(errno))
            throw Failure(.inputOutput, file.relativePath, "the file cannot be read: \(problem)")
        }
    }
}

/// Seconds of a clock that never jumps.
func now() -> Double {
    Double(DispatchTime.now().uptimeNanoseconds) * 1e-9
}
