public import Tensors

/// The parameters of a BERT model as one tree, spelled the way the checkpoint spells them.
///
/// The tree is generic over its leaf, so that the same structure holds a specification
/// (`BertParameters<Shape>`), the weights (`BertParameters<Tensor>`), offsets into an arena,
/// gradients or optimizer moments. Linear weights are `[output, input]`, as in PyTorch; other
/// orientations exist only in a key map.
public struct BertParameters<Leaf> {
    public var embeddings: Embeddings
    public var encoder: Encoder
    /// Absent where the checkpoint has none (a masked-language model, for instance).
    public var pooler: Pooler?
    /// The task head; absent in a bare encoder.
    public var classifier: Linear?

    public init(embeddings: Embeddings, encoder: Encoder, pooler: Pooler?, classifier: Linear?) {
        self.embeddings = embeddings
        self.encoder = encoder
        self.pooler = pooler
        self.classifier = classifier
    }

    /// A linear layer: `weight` `[output, input]`, `bias` `[output]`.
    public struct Linear {
        public var weight: Leaf
        public var bias: Leaf

        public init(weight: Leaf, bias: Leaf) {
            self.weight = weight
            self.bias = bias
        }
    }

    /// A layer normalisation: `weight` and `bias`, both `[hidden]`.
    public struct LayerNorm {
        public var weight: Leaf
        public var bias: Leaf

        public init(weight: Leaf, bias: Leaf) {
            self.weight = weight
            self.bias = bias
        }
    }

    /// One lookup table: `weight` `[rows, hidden]`.
    public struct Embedding {
        public var weight: Leaf

        public init(weight: Leaf) {
            self.weight = weight
        }
    }

    /// `embeddings.*`
    public struct Embeddings {
        public var wordEmbeddings: Embedding
        public var positionEmbeddings: Embedding
        public var tokenTypeEmbeddings: Embedding
        public var layerNorm: LayerNorm

        public init(
            wordEmbeddings: Embedding,
            positionEmbeddings: Embedding,
            tokenTypeEmbeddings: Embedding,
            layerNorm: LayerNorm
        ) {
            self.wordEmbeddings = wordEmbeddings
            self.positionEmbeddings = positionEmbeddings
            self.tokenTypeEmbeddings = tokenTypeEmbeddings
            self.layerNorm = layerNorm
        }
    }

    /// `encoder.*`
    public struct Encoder {
        public var layer: [Layer]

        public init(layer: [Layer]) {
            self.layer = layer
        }
    }

    /// `encoder.layer.N.*`
    public struct Layer {
        public var attention: Attention
        public var intermediate: Intermediate
        public var output: Output

        public init(attention: Attention, intermediate: Intermediate, output: Output) {
            self.attention = attention
            self.intermediate = intermediate
            self.output = output
        }
    }

    /// `encoder.layer.N.attention.*`; the key's `self` is `selfAttention` here.
    public struct Attention {
        public var selfAttention: SelfAttention
        public var output: Output

        public init(selfAttention: SelfAttention, output: Output) {
            self.selfAttention = selfAttention
            self.output = output
        }
    }

    /// `encoder.layer.N.attention.self.*`, each `[hidden, hidden]`.
    public struct SelfAttention {
        public var query: Linear
        public var key: Linear
        public var value: Linear

        public init(query: Linear, key: Linear, value: Linear) {
            self.query = query
            self.key = key
            self.value = value
        }
    }

    /// `encoder.layer.N.intermediate.*`: `[intermediate, hidden]`.
    public struct Intermediate {
        public var dense: Linear

        public init(dense: Linear) {
            self.dense = dense
        }
    }

    /// `…attention.output.*` and `…layer.N.output.*`: a projection, then residual and LayerNorm.
    public struct Output {
        public var dense: Linear
        public var layerNorm: LayerNorm

        public init(dense: Linear, layerNorm: LayerNorm) {
            self.dense = dense
            self.layerNorm = layerNorm
        }
    }

    /// `pooler.*`: `[hidden, hidden]`.
    public struct Pooler {
        public var dense: Linear

        public init(dense: Linear) {
            self.dense = dense
        }
    }
}

extension BertParameters: Sendable where Leaf: Sendable {}
extension BertParameters.Linear: Sendable where Leaf: Sendable {}
extension BertParameters.LayerNorm: Sendable where Leaf: Sendable {}
extension BertParameters.Embedding: Sendable where Leaf: Sendable {}
extension BertParameters.Embeddings: Sendable where Leaf: Sendable {}
extension BertParameters.Encoder: Sendable where Leaf: Sendable {}
extension BertParameters.Layer: Sendable where Leaf: Sendable {}
extension BertParameters.Attention: Sendable where Leaf: Sendable {}
extension BertParameters.SelfAttention: Sendable where Leaf: Sendable {}
extension BertParameters.Intermediate: Sendable where Leaf: Sendable {}
extension BertParameters.Output: Sendable where Leaf: Sendable {}
extension BertParameters.Pooler: Sendable where Leaf: Sendable {}

extension BertParameters where Leaf == Shape {
    /// The shapes a configuration demands.
    ///
    /// - Parameters:
    ///   - pooler: whether the model has `pooler.dense`.
    ///   - classifier: whether the model has the head, with one output per label.
    public init(_ configuration: BertConfiguration, pooler: Bool = true, classifier: Bool = true) {
        let hidden = configuration.hiddenSize
        let intermediate = configuration.intermediateSize
        func linear(_ output: Int, _ input: Int) -> Linear {
            Linear(weight: [output, input], bias: [output])
        }
        func embedding(_ rows: Int) -> Embedding {
            Embedding(weight: [rows, hidden])
        }
        let layerNorm = LayerNorm(weight: [hidden], bias: [hidden])
        let layer = Layer(
            attention: Attention(
                selfAttention: SelfAttention(
                    query: linear(hidden, hidden),
                    key: linear(hidden, hidden),
                    value: linear(hidden, hidden)
                ),
                output: Output(dense: linear(hidden, hidden), layerNorm: layerNorm)
            ),
            intermediate: Intermediate(dense: linear(intermediate, hidden)),
            output: Output(dense: linear(hidden, intermediate), layerNorm: layerNorm)
        )
        self.init(
            embeddings: Embeddings(
                wordEmbeddings: embedding(configuration.vocabularySize),
                positionEmbeddings: embedding(configuration.maximumPositionCount),
                tokenTypeEmbeddings: embedding(configuration.tokenTypeCount),
                layerNorm: layerNorm
            ),
            encoder: Encoder(
                layer: Array(repeating: layer, count: configuration.hiddenLayerCount)
            ),
            pooler: pooler ? Pooler(dense: linear(hidden, hidden)) : nil,
            classifier: classifier ? linear(configuration.labels.count, hidden) : nil
        )
    }
}
