import Foundation
import Glibc
import Kernels

/// What a benchmark ran on.
struct Machine: Encodable {
    let cpu: String
    /// Processors this process may use.
    let processors: Int
    let workers: Int
    /// The numbers that products are computed in, and what computes them.
    let precision: Precision
    let matrixLibrary: String
    /// Others' work disturbs a measurement: the mean number of running processes over a minute.
    let loadAverage: Double

    init(workers: Int, _ precision: Precision) {
        cpu = Self.processor
        processors = WorkerPool.availableProcessors
        self.workers = workers
        self.precision = precision.orFallback
        matrixLibrary = precision.explanation
        var averages = [0.0]
        loadAverage = getloadavg(&averages, 1) == 1 ? averages[0] : 0
    }

    /// The processor's model.
    static var processor: String {
        let model = lines(of: "/proc/cpuinfo").first { $0.hasPrefix("model name") }
        let name = model?.split(separator: ":", maxSplits: 1).last
        return name.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown"
    }

    /// The most memory this process has had resident, in bytes; nil where the system does not say.
    static var peakMemory: Int? {
        let line = lines(of: "/proc/self/status").first { $0.hasPrefix("VmHWM:") }
        return line.flatMap { Int($0.filter(\.isNumber)) }.map { $0 * 1024 }
    }

    private static func lines(of path: String) -> [Substring] {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        return text.split(separator: "\n")
    }
}
