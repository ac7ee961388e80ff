import Bert
import Datasets
import Diagnostics
import Evaluation
import Randomness
import Tokenization

/// The sequences that a benchmark runs a model on.
struct Workload {
    /// The file, or what was made up.
    let name: String
    let all: PackedBatch
    /// Class indexes or scores, zero where there are none. `[sequences]`
    let targets: [Float]

    init(_ data: EncodedDataset, name: String) {
        self.name = name
        all = PackedBatch(ids: data.ids, tokenTypes: data.tokenTypes, offsets: data.offsets)
        targets =
            data.isLabelled ? data.targets : [Float](repeating: 0, count: all.sequenceCount)
    }

    static let usualLengths = [8, 16, 24, 32, 64, 128]
    private static let syntheticCount = 192

    /// Sequences of random pieces whose lengths go through a list in turn.
    ///
    /// - Parameter lengths: nil takes the usual ones that the model has positions for.
    init(lengths asked: [Int]?, for classifier: TextClassifier) throws(Failure) {
        let configuration = classifier.configuration
        let positions = try classifier.maximumLength(nil)
        if let longest = asked?.max(), longest > configuration.longestSequence {
            throw Failure(
                .usage,
                "--lengths",
                "\(longest) pieces are more than the model's \(configuration.longestSequence) "
                    + "positions"
            )
        }
        let usual = Self.usualLengths.filter { $0 <= positions }
        let lengths = asked ?? (usual.isEmpty ? [positions] : usual)
        var random = Philox(seed: 0, purpose: .sampling)
        let vocabulary = classifier.vocabulary
        let encodings = (0..<Self.syntheticCount).map { index in
            var ids = [vocabulary.classification]
            for _ in 2..<lengths[index % lengths.count] {
                ids.append(Int32(random.nextBelow(UInt32(vocabulary.count))))
            }
            ids.append(vocabulary.separator)
            let types = [Int32](repeating: 0, count: ids.count)
            return Encoding(ids: ids, tokenTypes: types, truncated: 0)
        }
        name = "synthetic lengths \(lengths.map(String.init).joined(separator: ", "))"
        all = PackedBatch(encodings)
        targets = [Float](repeating: 0, count: encodings.count)
    }

    var count: Int { all.sequenceCount }
    var lengths: [Int] { (0..<count).map { all.length(of: $0) } }

    /// Some of the sequences, as one batch.
    func batch(_ sequences: some Collection<Int>) -> PackedBatch {
        PackedBatch(
            sequences.map { sequence in
                let rows = all.rows(of: sequence)
                return Encoding(
                    ids: Array(all.ids[rows]),
                    tokenTypes: Array(all.tokenTypes[rows]),
                    truncated: 0
                )
            }
        )
    }

    /// All sequences in batches.
    func batches(_ order: BatchSampler.Order, size: Int) -> [PackedBatch] {
        BatchSampler(lengths: lengths, batchSize: size, order: order).epoch(0).map { batch($0) }
    }

    /// Sequences spread evenly over the whole, each as a batch of its own.
    func singles(limit: Int) -> [PackedBatch] {
        let wanted = min(limit, count)
        return (0..<wanted).map { batch(CollectionOfOne($0 * count / wanted)) }
    }
}

/// How much a measured pass computes.
struct WorkAmount {
    var batches: Int
    var examples: Int
    var tokens: Int
    /// Floating-point operations of the encoder over real tokens, every layer counted in full.
    var operations: Double

    /// - Parameter passes: forward passes that the work is worth: a training step is three.
    init(_ batches: [PackedBatch], of configuration: BertConfiguration, passes: Double = 1) {
        self.init(batches, passes: passes) { meanLength in
            EncoderCost.operationsPerToken(configuration, meanLength: meanLength)
        }
    }

    /// - Parameter operationsPerToken: of a forward pass at a mean length.
    init(
        _ batches: [PackedBatch],
        passes: Double = 1,
        operationsPerToken: (_ meanLength: Double) -> Double
    ) {
        self.batches = batches.count
        examples = batches.reduce(0) { $0 + $1.sequenceCount }
        tokens = batches.reduce(0) { $0 + $1.tokenCount }
        let squares = batches.reduce(0.0) { sum, batch in
            (0..<batch.sequenceCount).reduce(sum) {
                let length = Double(batch.length(of: $1))
                return $0 + length * length
            }
        }
        // Attention costs each token its own sequence's length.
        operations = passes * operationsPerToken(squares / Double(max(1, tokens))) * Double(tokens)
    }
}
