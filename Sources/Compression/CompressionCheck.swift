import Bert
import Checkpoints
import Conversion
import Datasets
import Diagnostics
import Evaluation
import Foundation

/// Refuses what cannot be done, before anything is.
struct CompressionCheck {
    private let source: Checkpoint
    private let options: CompressionOptions
    private let data: LabelledFile?
    private let training: LabelledFile?

    init(
        _ source: Checkpoint,
        _ options: CompressionOptions,
        data: LabelledFile?,
        training: LabelledFile?
    ) {
        (self.source, self.options) = (source, options)
        (self.data, self.training) = (data, training)
    }

    private var path: String { source.url.relativePath }

    /// The model's configuration, when everything that was asked for can be done with it.
    func configuration() throws(Failure) -> BertConfiguration {
        precondition(
            options.format == .huggingFaceHDF5 || options.format == .safetensors,
            "compressed models are written as Hugging Face's folders"
        )
        guard !options.isEmpty else {
            throw Failure(
                .usage,
                path,
                "nothing is to be done",
                remedy: "Give --dtype, --int8, --vocabulary, --layers or --heads-and-neurons"
            )
        }
        guard let configuration = source.configuration else {
            throw source.configurationProblem
                ?? Failure(.missingInput, path, "there is no configuration")
        }
        guard source.store.entries.allSatisfy({ $0.scales == nil }) else {
            throw Failure(
                .badData,
                path,
                "it is stored as int8 already",
                remedy:
                    "Compress the model that it was made of, or restore it first with \"bertkit "
                    + "convert --dtype f32\""
            )
        }
        try checkData(configuration)
        try checkGate(configuration)
        if let layers = options.layers { try check(layers, configuration) }
        if let fraction = options.headAndNeuronFraction { try check(fraction, configuration) }
        if options.vocabulary != nil, source.tokenizer == nil {
            throw Failure(
                .missingInput,
                path,
                "there is no vocab.txt: the vocabulary of another tokenizer is not cut"
            )
        }
        return configuration
    }

    private func checkData(_ configuration: BertConfiguration) throws(Failure) {
        guard let file = data ?? training else {
            if options.headAndNeuronFraction != nil {
                throw Failure(
                    .usage,
                    "--heads-and-neurons",
                    "importance is judged on data",
                    remedy: "Give --train or --data"
                )
            }
            if let choice = options.vocabulary, choice.text == nil {
                throw Failure(
                    .usage,
                    "--vocabulary",
                    "from-data takes the texts of --data, which is not given"
                )
            }
            return
        }
        guard configuration.head.hasLabels else {
            throw Failure(
                .usage,
                file.name,
                "a classifier or regressor answers it, and \(printable(path)) has "
                    + (configuration.head == .none ? "no head" : "a \(configuration.head.phrase)")
            )
        }
        guard source.tokenizer != nil else {
            throw Failure(.missingInput, path, "there is no vocab.txt to read the data with")
        }
        for file in [data, training].compactMap(\.self) where file.hasLabels {
            // Labels of another task are better found before anything has run.
            _ = try file.matching(of: configuration.taskKind)
        }
    }

    private func checkGate(_ configuration: BertConfiguration) throws(Failure) {
        let gate = options.gate
        guard !gate.isEmpty else { return }
        guard let data else {
            throw Failure(.usage, "--data", "a quality gate needs data to decide on")
        }
        guard !gate.readsLabels || data.hasLabels else {
            throw Failure(
                .usage,
                data.name,
                "it has no labels, and the quality gate is one of "
                    + (configuration.taskKind == .regression ? "correlation" : "accuracy")
            )
        }
        guard gate.maximumDivergence == nil || configuration.taskKind != .regression else {
            throw Failure(.usage, "--max-kl", "scores have no KL divergence")
        }
    }

    private func check(_ layers: [Int], _ configuration: BertConfiguration) throws(Failure) {
        let count = configuration.hiddenLayerCount
        func refused(_ reason: String) -> Failure { Failure(.usage, "--layers", reason) }
        guard !layers.isEmpty else { throw refused("no layer is to be kept") }
        if let layer = layers.first(where: { !(0..<count).contains($0) }) {
            throw refused("\(printable(path)) has layers 0 to \(count - 1), not \(layer)")
        }
        for (layer, next) in zip(layers, layers.dropFirst()) where next <= layer {
            throw refused(
                next == layer
                    ? "layer \(layer) is named twice"
                    : "layers keep their order, and \(next) stands behind \(layer)"
            )
        }
    }

    private func check(_ fraction: Double, _ configuration: BertConfiguration) throws(Failure) {
        func refused(_ reason: String) -> Failure {
            Failure(.usage, "--heads-and-neurons", reason)
        }
        guard fraction > 0, fraction < 1 else {
            throw refused("the share to cut away must be above 0 and below 1, not \(fraction)")
        }
        for layer in options.layers ?? Array(0..<configuration.hiddenLayerCount) {
            let count = configuration.headCount(ofLayer: layer)
            guard HeadPruning(fraction).cut(of: count) < count else {
                throw refused("pruning all heads of a layer: \(fraction) of \(count)")
            }
        }
        let size = configuration.intermediateSize
        let cut = Int((fraction * Double(size)).rounded())
        guard cut < size else {
            throw refused("\(fraction) of \(size) neurons a layer is all of them")
        }
        guard cut > 0 else {
            throw refused("\(fraction) of \(size) neurons a layer is none of them")
        }
        try configuration.checkCanTrain(path)
    }
}
