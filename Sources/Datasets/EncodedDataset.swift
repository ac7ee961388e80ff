public import Diagnostics
public import Tokenization

/// A task file as token ids: every example laid end to end, with no padding.
///
/// Example i is rows `offsets[i]..<offsets[i + 1]` of `ids` and `tokenTypes`.
public struct EncodedDataset: Sendable {
    /// Vocabulary indexes, [tokens].
    public let ids: [Int32]
    /// 0 for the first text and its marks, 1 for the second, [tokens].
    public let tokenTypes: [Int32]
    /// [examples + 1]
    public let offsets: [Int]
    /// The class index or the score of each answer, [answers], not a number for a row without one; empty
    /// when unlabelled.
    public let targets: [Float]
    /// Of sentences whose words are labelled: what of them is answered. Nil where an example has one
    /// answer.
    public let words: AnsweredWords?
    /// How class labels were found; `nil` for scores and unlabelled data.
    public let labelMatching: LabelMatching?
    /// Examples that were longer than the maximum length and were cut.
    public let truncatedExamples: Int

    /// The number of examples.
    public var count: Int { offsets.count - 1 }
    /// The number of answers that a model gives: one for each example, or for each word.
    public var answerCount: Int { words?.rows.count ?? count }

    /// An example's answers among all.
    public func answers(of example: Int) -> Range<Int> {
        guard let words else { return example..<example + 1 }
        return words.offsets[example]..<words.offsets[example + 1]
    }

    /// The example that an answer is of.
    public func example(of answer: Int) -> Int {
        guard let offsets = words?.offsets else { return answer }
        // The last that begins no later; a sentence without answers begins where the next does.
        return (offsets.firstIndex { $0 > answer } ?? offsets.count) - 1
    }

    /// The answers of examples, in the order given: what each row of a batch's logits is about.
    public func answers(_ examples: ArraySlice<Int>) -> ArraySlice<Int> {
        words == nil ? examples : examples.flatMap { answers(of: $0) }[...]
    }

    public var tokenCount: Int { ids.count }
    public var isLabelled: Bool { !targets.isEmpty }
    /// How many answers have no target.
    public var unlabelledCount: Int {
        isLabelled ? targets.count { $0.isNaN } : answerCount
    }

    /// The number of tokens of an example.
    public func length(of example: Int) -> Int { offsets[example + 1] - offsets[example] }

    /// The examples, in the order given, as one packed batch.
    public func batch(_ examples: some Collection<Int>) -> PackedBatch {
        var batchOffsets = [0]
        batchOffsets.reserveCapacity(examples.count + 1)
        var total = 0
        for example in examples {
            total += length(of: example)
            batchOffsets.append(total)
        }
        var batchIDs: [Int32] = []
        var batchTypes: [Int32] = []
        batchIDs.reserveCapacity(total)
        batchTypes.reserveCapacity(total)
        var answered: [Int]? = words == nil ? nil : []
        for example in examples {
            let rows = offsets[example]..<offsets[example + 1]
            if let words {
                let shift = batchIDs.count - rows.lowerBound
                answered?.append(contentsOf: words.rows[answers(of: example)].map { $0 + shift })
            }
            batchIDs.append(contentsOf: ids[rows])
            batchTypes.append(contentsOf: tokenTypes[rows])
        }
        return PackedBatch(
            ids: batchIDs,
            tokenTypes: batchTypes,
            offsets: batchOffsets,
            answered: answered
        )
    }

    /// The targets of the examples' answers, in the order given.
    public func targets(_ examples: some Collection<Int>) -> [Float] {
        precondition(isLabelled, "the data has no labels")
        return examples.flatMap { targets[answers(of: $0)] }
    }
}

extension EncodedDataset {
    /// Encodes a task file on `workers` threads; the result does not depend on their number.
    ///
    /// - Parameters:
    ///   - kind: what the labels mean; `nil` leaves the data unlabelled.
    ///   - maximumLength: the most tokens of an example, special ones included.
    /// - Throws: `Failure` for the first label that does not fit `kind`.
    public init(
        _ file: TaskFile,
        kind: TaskKind?,
        tokenizer: WordPieceTokenizer,
        maximumLength: Int,
        workers: Int
    ) throws(Failure) {
        let rows = file.rows
        let hasPairs = file.hasPairs
        try self.init(file, kind: kind) {
            tokenizer.encode(
                file.count,
                in: file.bytes,
                maximumLength: maximumLength,
                workers: workers
            ) { TextPlace(text: rows.texts[$0], pair: hasPairs ? rows.pairs[$0] : nil) }
        }
    }

    /// The same with any sequences in the place of the file's texts.
    package init(
        _ file: TaskFile,
        kind: TaskKind?,
        sequences: () -> (batch: PackedBatch, truncated: Int)
    ) throws(Failure) {
        if let kind {
            (targets, labelMatching) = try file.targets(for: kind)
        } else {
            (targets, labelMatching) = ([], nil)
        }
        let (batch, truncated) = sequences()
        precondition(batch.sequenceCount == file.count, "one sequence for each row")
        ids = batch.ids
        tokenTypes = batch.tokenTypes
        offsets = batch.offsets
        truncatedExamples = truncated
        words = nil
    }
}
