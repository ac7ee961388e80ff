import Bert
import Diagnostics
import Foundation
import Kernels
import Tensors
import Tokenization

extension ModelComparison {
    /// Runs both models on the same inputs, one after the other, so that one at a time is in memory.
    static func run(
        _ first: Checkpoint,
        _ second: Checkpoint,
        _ texts: [String]?,
        workers: Int
    ) throws(Failure) -> [OutputDifference] {
        let batch = try sampleBatch(first, texts)
        let (one, other) = (
            try outputs(of: first, batch, workers), try outputs(of: second, batch, workers)
        )
        return zip(one, other).map { one, other in
            OutputDifference(one.name, one.values, other.values)
        }
    }

    private static func outputs(
        of checkpoint: Checkpoint,
        _ batch: PackedBatch,
        _ workers: Int
    ) throws(Failure) -> [(name: String, values: Tensor)] {
        let model = try checkpoint.loadModel()
        let configuration = model.configuration
        let inference = BertInference(model, pool: WorkerPool(workerCount: workers), packing: false)
        var selection: OutputSelection = [.head, .lastHiddenState]
        let hasPooler = model.layout.slots.pooler != nil
        if configuration.head == .none, hasPooler { selection.insert(.poolerOutput) }
        let found = inference.outputs(batch, selection)
        let named: [(String, Tensor?)] = [
            ("logits", found.logits), ("start logits", found.startLogits),
            ("end logits", found.endLogits), ("prediction logits", found.predictionLogits),
            ("next-sentence logits", found.nextSentenceLogits),
            ("replaced-token logits", found.replacedTokenLogits),
            ("last hidden state", found.lastHiddenState), ("pooler output", found.poolerOutput),
        ]
        return named.compactMap { name, tensor in tensor.map { (name, $0) } }
    }

    /// Texts as the model's tokenizer cuts them; without texts, pieces that go through the whole
    /// vocabulary, in sequences of several lengths.
    private static func sampleBatch(
        _ checkpoint: Checkpoint,
        _ texts: [String]?
    ) throws(Failure) -> PackedBatch {
        guard let configuration = checkpoint.configuration else {
            preconditionFailure("checked before")
        }
        let longest = configuration.longestSequence
        if let texts {
            guard let source = checkpoint.tokenizer else {
                throw Failure(
                    .missingInput,
                    checkpoint.url.relativePath,
                    "there is no vocabulary to cut the texts with",
                    remedy: "Without texts, both models are run on numbers of pieces"
                )
            }
            let vocabulary = try source.loadVocabulary(atMost: configuration.vocabularySize)
            let tokenizer = WordPieceTokenizer(
                vocabulary: vocabulary,
                configuration: try source.loadConfiguration(vocabulary)
            )
            return PackedBatch(texts.map { tokenizer.encode($0, maximumLength: longest) })
        }
        let lengths = [1, 2, 3, 5, 8, 13, 21, 34].map { min($0, longest) }
        var ids: [Int32] = []
        var types: [Int32] = []
        var offsets = [0]
        var number = 0
        for length in lengths {
            for place in 0..<length {
                // A step that is prime to most sizes visits every part of the vocabulary.
                number = (number + 7919) % configuration.vocabularySize
                ids.append(Int32(number))
                let isSecond = configuration.tokenTypeCount > 1 && place > length / 2
                types.append(isSecond ? 1 : 0)
            }
            offsets.append(ids.count)
        }
        return PackedBatch(ids: ids, tokenTypes: types, offsets: offsets)
    }
}

extension ModelComparison.OutputDifference {
    init(_ name: String, _ one: Tensor, _ other: Tensor) {
        let difference = ModelComparison.TensorDifference(name, one, other)
        self.init(
            name: name,
            count: one.values.count,
            maximum: difference.maximum,
            mean: difference.mean
        )
    }
}
