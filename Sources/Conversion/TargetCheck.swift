package import Bert
import Diagnostics
import Foundation
import Tensors

/// What a layout can express.
package enum TargetCheck {
    /// Refuses what a layout cannot hold at all.
    static func refuse(
        _ configuration: BertConfiguration,
        _ options: ConversionOptions,
        _ source: Checkpoint
    ) throws(Failure) {
        func refused(_ reason: String, _ remedy: String? = nil) -> Failure {
            Failure(.usage, source.url.relativePath, reason, remedy: remedy)
        }
        switch options.format {
        case .safetensors:
            if options.compression != nil {
                throw refused("safetensors has no compression: --gzip is for HDF5")
            }
        case .huggingFaceHDF5:
            if configuration.family == .electra, configuration.head == .maskedLanguageModel {
                throw refused("an ELECTRA generator is not written as tf_model.h5")
            }
        case .kerasHub, .kerasWeights:
            guard configuration.family == .bert else {
                throw refused(
                    "KerasHub's BERT cannot hold a model of type "
                        + configuration.modelType.rawValue,
                    "Convert to safetensors or hf-h5"
                )
            }
            let heads: [Head] = [.none, .sequenceClassification, .maskedLanguageModel]
            guard heads.contains(configuration.head) else {
                throw refused(
                    "KerasHub has no BERT with a \(configuration.head.phrase)",
                    "Leave the head out with --head none, or convert to safetensors or hf-h5"
                )
            }
            guard configuration.activation != .relu else {
                throw refused("KerasHub's BERT computes GELU, and this model ReLU")
            }
            guard configuration.prunedHeads.isEmpty else {
                throw refused(
                    "KerasHub's layers have one number of heads that fill the hidden width, and this "
                        + "model has pruned heads",
                    "Convert to safetensors or hf-h5"
                )
            }
            guard options.shardByteCount == nil || options.format == .kerasHub else {
                throw refused("Keras 3 weights without a preset are one file: no --shard-size")
            }
        }
    }

    /// What a user of the target should know, as sentences.
    package static func notes(
        _ configuration: BertConfiguration,
        _ format: ExportFormat
    ) -> [String] {
        guard format == .huggingFaceHDF5, !configuration.prunedHeads.isEmpty else { return [] }
        return [
            "transformers' TensorFlow classes do not prune and refuse these heads' shapes; its PyTorch "
                + "classes read them from safetensors"
        ]
    }

    /// How the target's results will differ, as sentences.
    static func approximations(
        _ configuration: BertConfiguration,
        _ format: ExportFormat
    ) -> [String] {
        guard format.isKerasHub else {
            guard let constants = configuration.predictionConstants,
                configuration.head.predictsPieces
            else { return [] }
            return [
                "its masked-language-model head has \(constants.activation.function) and an epsilon "
                    + "of \(constants.layerNormEpsilon), which config.json cannot say"
            ]
        }
        var differences: [String] = []
        if configuration.activation == .gelu {
            differences.append(
                "KerasHub's BERT computes the tanh form of GELU, and this model the exact one"
            )
        }
        if configuration.layerNormEpsilon != 1e-12 {
            differences.append(
                "KerasHub's BERT has a layer-norm epsilon of 1e-12, and this model "
                    + "\(configuration.layerNormEpsilon)"
            )
        }
        if configuration.head == .maskedLanguageModel, configuration.predictionConstants == nil {
            differences.append(
                "KerasHub's masked-language-model head has the exact GELU and an epsilon of 1e-5"
            )
        }
        return differences
    }
}
