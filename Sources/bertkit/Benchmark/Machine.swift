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

    /// What is resident now, in bytes.
    static var residentMemory: Int? {
        let pages = lines(of: "/proc/self/statm").first?.split(separator: " ").dropFirst().first
        return pages.flatMap { Int($0) }.map { $0 * sysconf(Int32(_SC_PAGESIZE)) }
    }

    /// What a new process could take, in bytes.
    static var availableMemory: Int? {
        let line = lines(of: "/proc/meminfo").first { $0.hasPrefix("MemAvailable:") }
        return line.flatMap { Int($0.filter(\.isNumber)) }.map { $0 * 1024 }
    }

    /// The processor's features as the system spells them.
    static var cpuFlags: [String] {
        let line = lines(of: "/proc/cpuinfo").first { $0.hasPrefix("flags") }
        return line?.split(separator: ":").last?.split(separator: " ").map(String.init) ?? []
    }

    private static func lines(of path: String) -> [Substring] {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        return text.split(separator: "\n")
    }
}
