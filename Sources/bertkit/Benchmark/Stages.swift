import Bert
import Checkpoints
import Datasets
import Diagnostics
import Evaluation
import Foundation
import Glibc
import Kernels
import Tokenization

/// Something measured once a round.
struct Stage {
    enum Name: String, CaseIterable {
        case load, read, whole, file, sorted, latency, training, distillation
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
    /// Of the examples that training steps take.
    let trainingOrder: Benchmark.TrainingOrder

    var configuration: BertConfiguration { classifier.configuration }

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

/// Makes the stages of a model going forward, of whatever kind.
struct ForwardStages {
    let model: any SequenceModel
    let engine: any SequenceInference
    let workload: Workload
    let batchSize: Int

    static let latencySentences = 200

    /// In one of the orders that examples are handed over in.
    func forward(_ name: Stage.Name) -> Stage {
        let batches =
            switch name {
            case .file: workload.batches(.file, size: batchSize)
            case .sorted: workload.batches(.byLength, size: batchSize)
            default: [workload.all]
            }
        return Stage(name: name, work: work(batches)) { () throws(Failure) in
            let start = now()
            for batch in batches { _ = engine.logits(batch) }
            return [now() - start]
        }
    }

    func latency() -> Stage {
        let singles = workload.singles(limit: Self.latencySentences)
        return Stage(name: .latency, work: work(singles)) { () throws(Failure) in
            singles.map { single in
                let start = now()
                _ = engine.logits(single)
                return now() - start
            }
        }
    }

    /// Those that are asked for.
    func stages(_ measure: Benchmark.Measure, _ order: Benchmark.ForwardOrder) -> [Stage] {
        let orders: [(Benchmark.ForwardOrder, Stage.Name)] = [
            (.whole, .whole), (.file, .file), (.sorted, .sorted),
        ]
        let passes = orders.filter { order == .all || order == $0.0 }.map { forward($0.1) }
        return (measure == .latency ? [] : passes) + (measure == .forward ? [] : [latency()])
    }

    private func work(_ batches: [PackedBatch]) -> WorkAmount {
        WorkAmount(batches) { model.operationsPerToken(meanLength: $0) }
    }
}

/// Seconds of a clock that never jumps.
func now() -> Double {
    Double(DispatchTime.now().uptimeNanoseconds) * 1e-9
}
