/// The parameters of a model as one tree, spelled the way a BERT checkpoint spells them; the other
/// families' names are turned into these by a key map.
///
/// The tree is generic over its leaf, so that the same structure holds a specification
/// (`BertParameters<Shape>`), the weights (`BertParameters<Tensor>`), offsets into an arena,
/// gradients or optimizer moments. Linear weights are `[output, input]`, as in PyTorch; other
/// orientations exist only in a key map.
public struct BertParameters<Leaf> {
    public var embeddings: Embeddings
    /// `embeddings_project.*`, `[hidden, embedding]`: where the embeddings have another width.
    public var embeddingsProject: Linear?
    public var encoder: Encoder
    /// Absent where the checkpoint has none (a masked-language model, for instance).
    public var pooler: Pooler?
    /// `cls.predictions.*`: the masked-language-model head.
    public var predictions: Predictions?
    /// `cls.seq_relationship.*`, `[2, hidden]`: the next-sentence head.
    public var seqRelationship: Linear?
    /// `discriminator_predictions.*`: ELECTRA's replaced-token detection.
    public var discriminatorPredictions: DiscriminatorPredictions?
    /// `classifier.*`, `[labels, hidden]` or `[1, hidden]`: sequences, tokens or choices.
    public var classifier: Linear?
    /// `qa_outputs.*`, `[2, hidden]`.
    public var qaOutputs: Linear?

    public init(
        embeddings: Embeddings,
        embeddingsProject: Linear? = nil,
        encoder: Encoder,
        pooler: Pooler?,
        predictions: Predictions? = nil,
        seqRelationship: Linear? = nil,
        discriminatorPredictions: DiscriminatorPredictions? = nil,
        classifier: Linear?,
        qaOutputs: Linear? = nil
    ) {
        self.embeddings = embeddings
        self.embeddingsProject = embeddingsProject
        self.encoder = encoder
        self.pooler = pooler
        self.predictions = predictions
        self.seqRelationship = seqRelationship
        self.discriminatorPredictions = discriminatorPredictions
        self.classifier = classifier
        self.qaOutputs = qaOutputs
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

    /// One lookup table: `weight` `[rows, embedding]`.
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
        /// Absent in DistilBERT.
        public var tokenTypeEmbeddings: Embedding?
        public var layerNorm: LayerNorm

        public init(
            wordEmbeddings: Embedding,
            positionEmbeddings: Embedding,
            tokenTypeEmbeddings: Embedding?,
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

    /// `encoder.layer.N.attention.self.*`, each `[heads · head size, hidden]` for the heads that the layer has:
    /// `[hidden, hidden]` where none was pruned.
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
