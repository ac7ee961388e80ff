import Bert
import Conversion
import Diagnostics
import Foundation
import Tensors
import Tokenization

/// A model as a GGUF file of the architecture `bert`.
struct GGUFModel {
    let header: GGUFHeader
    let tensors: [PlannedTensor]

    /// - Precondition: `GGUFCheck` has nothing against the model.
    init(
        _ plan: ConversionPlan,
        _ configuration: BertConfiguration,
        _ weights: GGUFWeights,
        name: String
    ) {
        let hasHead = configuration.head == .sequenceClassification
        var header = GGUFHeader()
        var tensors: [PlannedTensor] = []
        for (parameter, shape) in BertParameters<Shape>(configuration).leaves {
            guard let name = GGUFNames.name(of: parameter, hasHead: hasHead) else { continue }
            let type = weights.type(of: name, shape)
            let count = type.stored(shape.dimensions).reduce(type.elementType.byteCount, *)
            header.tensors.append((name, shape.dimensions, type, count))
            let form: PlannedTensor.Form =
                switch type {
                case .float32: .values(.float32, isTransposed: false)
                case .float16: .values(.float16, isTransposed: false)
                case .q8: .blocks
                }
            tensors.append(
                PlannedTensor(name: name, parameter: parameter, shape: shape, form: form)
            )
        }
        header.metadata = Self.metadata(configuration, weights, name: name)
        if let vocabulary = plan.vocabulary {
            header.metadata += Self.tokenizer(vocabulary, configuration)
        }
        self.header = header
        self.tensors = tensors
    }

    private static func metadata(
        _ configuration: BertConfiguration,
        _ weights: GGUFWeights,
        name: String
    ) -> [(key: String, value: GGUFHeader.Value)] {
        var metadata: [(key: String, value: GGUFHeader.Value)] = [
            ("general.architecture", .string("bert")), ("general.type", .string("model")),
            ("general.name", .string(name)),
            ("bert.block_count", .uint32(configuration.hiddenLayerCount)),
            ("bert.context_length", .uint32(configuration.longestSequence)),
            ("bert.embedding_length", .uint32(configuration.hiddenSize)),
            ("bert.feed_forward_length", .uint32(configuration.intermediateSize)),
            ("bert.attention.head_count", .uint32(configuration.attentionHeadCount)),
            (
                "bert.attention.layer_norm_epsilon",
                .float32(Float(configuration.layerNormEpsilon))
            ),
            ("bert.attention.causal", .bool(false)),
            ("general.file_type", .uint32(weights.fileType)),
            ("general.quantization_version", .uint32(2)),
        ]
        if configuration.head == .sequenceClassification {
            // RANK: the first token goes through the classifier.
            metadata.append(("bert.pooling_type", .uint32(4)))
            metadata.append(("bert.classifier.output_labels", .strings(configuration.labels)))
        } else {
            metadata.append(("bert.pooling_type", .uint32(0)))
        }
        return metadata
    }

    /// The vocabulary as the runtime wants it: a piece that begins a word has U+2581 before it, one that
    /// continues a word has lost its `##`, and special pieces are as they were.
    private static func tokenizer(
        _ vocabulary: Vocabulary,
        _ configuration: BertConfiguration
    ) -> [(key: String, value: GGUFHeader.Value)] {
        let specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].compactMap {
            vocabulary.id(of: $0)
        }
        let (normal, control, unused): (Int32, Int32, Int32) = (1, 3, 5)
        var tokens: [String] = []
        var types: [Int32] = []
        for (id, piece) in vocabulary.pieces.enumerated() {
            if specials.contains(Int32(id)) {
                tokens.append(piece)
                types.append(control)
            } else {
                // By bytes: a combining mark behind `##` makes another character of it.
                let continues = piece.utf8.starts(with: "##".utf8)
                tokens.append(
                    continues
                        ? String(decoding: piece.utf8.dropFirst(2), as: UTF8.self)
                        : "\u{2581}" + piece
                )
                types.append(normal)
            }
        }
        // The model may have more embeddings than there are pieces.
        for id in vocabulary.count..<max(vocabulary.count, configuration.vocabularySize) {
            tokens.append("[PAD\(id)]")
            types.append(unused)
        }
        var metadata: [(key: String, value: GGUFHeader.Value)] = [
            ("tokenizer.ggml.model", .string("bert")), ("tokenizer.ggml.pre", .string("default")),
            (
                "tokenizer.ggml.token_type_count",
                .uint32(max(1, configuration.tokenTypeCount))
            ),
            ("tokenizer.ggml.tokens", .strings(tokens)),
            ("tokenizer.ggml.token_type", .int32s(types)),
            ("tokenizer.ggml.bos_token_id", .uint32(Int(vocabulary.classification))),
            ("tokenizer.ggml.eos_token_id", .uint32(Int(vocabulary.separator))),
            ("tokenizer.ggml.unknown_token_id", .uint32(Int(vocabulary.unknown))),
            ("tokenizer.ggml.seperator_token_id", .uint32(Int(vocabulary.separator))),
            ("tokenizer.ggml.padding_token_id", .uint32(Int(vocabulary.padding))),
        ]
        if let mask = vocabulary.mask {
            metadata.append(("tokenizer.ggml.mask_token_id", .uint32(Int(mask))))
        }
        return metadata + [
            ("tokenizer.ggml.add_bos_token", .bool(true)),
            ("tokenizer.ggml.add_eos_token", .bool(true)),
            ("tokenizer.ggml.add_sep_token", .bool(false)),
        ]
    }
}

/// What the matrices of a GGUF file are stored as.
enum GGUFWeights {
    case float32
    case float16
    case q8

    /// `general.file_type`.
    var fileType: Int {
        switch self {
        case .float32: 0
        case .float16: 1
        case .q8: 7
        }
    }

    /// Rows that are no whole blocks are kept in binary16.
    func type(of name: String, _ shape: Shape) -> GGUFHeader.TensorType {
        if GGUFNames.isAlwaysSingle(name, rank: shape.rank) { return .float32 }
        switch self {
        case .float32: return .float32
        case .float16: return .float16
        case .q8: return shape[1].isMultiple(of: Rounding.blockLength) ? .q8 : .float16
        }
    }
}
