import Bert
import Checkpoints
import Diagnostics
import Distillation
import Tensors
import Tokenization

/// A model between two steps: what is computed with, and how it will be stored.
struct CompressedModel {
    var configuration: BertConfiguration
    /// Rounded as they will be stored.
    var parameters: BertParameters<Tensor>
    /// What each parameter is stored as that `matrices` does not hold, by canonical name.
    var elementTypes: [String: ElementType]
    /// The parameters that are stored as int8.
    var matrices: [String: Int8Matrix] = [:]
    /// nil where the model has no WordPiece vocabulary.
    var tokenizer: WordPieceTokenizer?
    /// What became of the vocabulary, where it was cut.
    var reduction: VocabularyReduction?

    var parameterCount: Int { parameters.leaves.reduce(0) { $0 + $1.leaf.shape.count } }

    /// The bytes of all tensors as they will be stored, before any gzip.
    var byteCount: Int {
        parameters.leaves.reduce(0) { total, parameter in
            let (name, tensor) = parameter
            return total
                + (matrices[name]?.byteCount ?? tensor.shape.count * type(of: name).byteCount)
        }
    }

    /// What a parameter that is no int8 matrix is stored as.
    func type(of name: String) -> ElementType { elementTypes[name] ?? .float32 }

    /// The most exact of the floating-point types.
    var elementType: ElementType {
        let types = Set(
            parameters.leaves.map(\.name).filter { matrices[$0] == nil }.map(type(of:))
        )
        return [.float32, .float16, .bfloat16].first(where: types.contains) ?? .float32
    }

    func model() -> BertModel { BertModel(configuration, parameters: parameters) }
}

extension CompressedModel {
    /// Keeps some of the layers.
    ///
    /// - Precondition: the model has these layers.
    mutating func keep(layers: [Int]) {
        let old = parameters.encoder.layer
        parameters.encoder.layer = layers.map { old[$0] }
        configuration.keep(layers: layers)
        func prefix(_ layer: Int) -> String { "encoder.layer.\(layer)." }
        var types = elementTypes.filter { !$0.key.hasPrefix("encoder.layer.") }
        for (index, layer) in layers.enumerated() {
            for (name, type) in elementTypes where name.hasPrefix(prefix(layer)) {
                types[prefix(index) + name.dropFirst(prefix(layer).count)] = type
            }
        }
        elementTypes = types
    }

    /// Keeps some of each layer's heads: rows of query, key and value and their biases, columns of the
    /// attention's output.
    ///
    /// - Parameter places: by layer, which of the heads that it has, ascending; at least one.
    mutating func keep(heads places: [[Int]]) {
        let size = configuration.headSize
        var heads: [[Int]] = []
        for (index, places) in places.enumerated() {
            let dimensions = places.flatMap { $0 * size..<($0 + 1) * size }
            func rows(_ linear: BertParameters<Tensor>.Linear) -> BertParameters<Tensor>.Linear {
                .init(weight: linear.weight.rows(dimensions), bias: linear.bias.rows(dimensions))
            }
            var attention = parameters.encoder.layer[index].attention
            attention.selfAttention.query = rows(attention.selfAttention.query)
            attention.selfAttention.key = rows(attention.selfAttention.key)
            attention.selfAttention.value = rows(attention.selfAttention.value)
            attention.output.dense.weight = attention.output.dense.weight.columns(dimensions)
            parameters.encoder.layer[index].attention = attention
            let present = configuration.heads(ofLayer: index)
            heads.append(places.map { present[$0] })
        }
        configuration.keep(heads: heads)
    }

    /// Keeps some of each layer's feed-forward neurons: rows of the first matrix and its bias, columns
    /// of the second.
    ///
    /// - Parameter neurons: by layer, as many for each.
    mutating func keep(neurons: [[Int]]) {
        precondition(
            neurons.count == configuration.hiddenLayerCount
                && Set(neurons.map(\.count)).count <= 1,
            "as many neurons for each layer"
        )
        for (index, kept) in neurons.enumerated() {
            var layer = parameters.encoder.layer[index]
            layer.intermediate.dense.weight = layer.intermediate.dense.weight.rows(kept)
            layer.intermediate.dense.bias = layer.intermediate.dense.bias.rows(kept)
            layer.output.dense.weight = layer.output.dense.weight.columns(kept)
            parameters.encoder.layer[index] = layer
        }
        configuration.intermediateSize = neurons.first?.count ?? configuration.intermediateSize
    }

    /// Keeps some pieces: rows of the word embeddings, to which a language model's decoder is tied, and
    /// elements of its bias.
    ///
    /// - Parameter source: the model as the user spelled it.
    /// - Throws: `.usage` for a model whose positions are counted from the number of a piece that would
    ///   have another.
    mutating func keep(_ reduction: VocabularyReduction, source: String) throws(Failure) {
        guard let old = tokenizer else { preconditionFailure("no vocabulary to cut") }
        let kept = reduction.kept
        let firstPosition = configuration.firstPosition
        parameters.embeddings.wordEmbeddings.weight =
            parameters.embeddings.wordEmbeddings.weight.rows(kept)
        if let bias = parameters.predictions?.bias {
            parameters.predictions?.bias = bias.rows(kept)
        }
        configuration.vocabularySize = kept.count
        configuration.padTokenID =
            reduction.new(configuration.padTokenID)
            ?? reduction.new(Int(old.vocabulary.padding)) ?? 0
        configuration.bosTokenID = configuration.bosTokenID.flatMap(reduction.new)
        configuration.eosTokenID = configuration.eosTokenID.flatMap(reduction.new)
        guard configuration.firstPosition == firstPosition else {
            throw Failure(
                .usage,
                source,
                "its positions are counted from the number of its padding, which would be another in "
                    + "a smaller vocabulary"
            )
        }
        tokenizer = WordPieceTokenizer(
            vocabulary: try Vocabulary(pieces: kept.map { old.vocabulary.pieces[$0] }),
            configuration: old.configuration
        )
        self.reduction = reduction
    }
}
