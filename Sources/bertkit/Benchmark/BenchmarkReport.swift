import Bert
import Foundation

/// What a benchmark found; its JSON names are these in snake case.
struct BenchmarkReport: Encodable {
    struct Model: Encodable {
        let name: String
        let hidden: Int
        /// An encoder's.
        var layers: Int?
        var heads: Int?
        var intermediate: Int?
        /// A BiLSTM's.
        var embedding: Int?
        var units: Int?
        let parameters: Int
        let weightsBytes: Int
    }

    struct Data: Encodable {
        let name: String
        let examples: Int
        let tokens: Int
        let meanLength: Double
        let batchSize: Int
        /// Of the examples that training steps take.
        let trainingOrder: String
    }

    /// Medians over the rounds, and each round.
    struct Load: Encodable {
        let seconds: Double
        let allSeconds: [Double]
        /// Reading the weights' bytes and nothing else.
        let readSeconds: Double
        let allReadSeconds: [Double]
    }

    struct Rate: Encodable {
        let examples: Int
        let tokens: Int
        /// The median round's.
        let seconds: Double
        let examplesPerS: Double
        let tokensPerS: Double
        let gflopPerS: Double
        /// Each round's.
        let allSeconds: [Double]
    }

    struct Forward: Encodable {
        var whole: Rate?
        var file: Rate?
        var sorted: Rate?
    }

    struct Latency: Encodable {
        let sentences: Int
        /// Medians over the rounds' percentiles.
        let p50Ms: Double
        let p95Ms: Double
        let allP50Ms: [Double]
        let allP95Ms: [Double]
    }

    /// The most resident memory in bytes up to then, each stage on top of those before it.
    struct Memory: Encodable {
        var loaded: Int?
        var forward: Int?
        var training: Int?
    }

    var bertkit = Tool.version
    let model: Model
    let data: Data
    let machine: Machine
    let rounds: Int
    var load: Load?
    var forward: Forward?
    var latency: Latency?
    var trainingStep: Rate?
    var distillationStep: Rate?
    var tokenizing: Tokenizing?
    var peakMemoryBytes = Memory()
    var profile: ProfileReport?
    /// Where one thing alone is measured: the median seconds of its pass.
    var seconds: Double?
    var examplesPerS: Double?

    /// One line, so that runs can be collected in a file.
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }
}

extension BenchmarkReport.Rate {
    /// - Parameter allSeconds: one or more.
    init(_ work: WorkAmount, allSeconds: [Double]) {
        let seconds = median(allSeconds)
        self.init(
            examples: work.examples,
            tokens: work.tokens,
            seconds: seconds,
            examplesPerS: Double(work.examples) / seconds,
            tokensPerS: Double(work.tokens) / seconds,
            gflopPerS: work.operations / seconds * 1e-9,
            allSeconds: allSeconds
        )
    }
}

extension BenchmarkReport.Latency {
    /// - Parameter rounds: each round's seconds of every sentence.
    init(_ rounds: [[Double]]) {
        let p50 = rounds.map { percentile($0, 0.5) * 1e3 }
        let p95 = rounds.map { percentile($0, 0.95) * 1e3 }
        self.init(
            sentences: rounds[0].count,
            p50Ms: median(p50),
            p95Ms: median(p95),
            allP50Ms: p50,
            allP95Ms: p95
        )
    }
}

package func median(_ values: [Double]) -> Double { percentile(values, 0.5) }

/// The value below which a share of the values lies, between two of them in proportion.
///
/// - Parameter values: one or more, in any order.
package func percentile(_ values: [Double], _ share: Double) -> Double {
    let values = values.sorted()
    let place = share * Double(values.count - 1)
    let below = Int(place)
    let above = min(below + 1, values.count - 1)
    return values[below] + (place - Double(below)) * (values[above] - values[below])
}
