public import Tensors

extension BertParameters where Leaf == Shape {
    /// The shapes that a configuration demands: its encoder, and what its family has for its head.
    public init(_ configuration: BertConfiguration) {
        let (hidden, embedding) = (configuration.hiddenSize, configuration.embeddingSize)
        let intermediate = configuration.intermediateSize
        let head = configuration.head
        func linear(_ output: Int, _ input: Int) -> Linear {
            Linear(weight: [output, input], bias: [output])
        }
        func norm(_ size: Int) -> LayerNorm { LayerNorm(weight: [size], bias: [size]) }
        func table(_ rows: Int) -> Embedding { Embedding(weight: [rows, embedding]) }
        func layer(_ index: Int) -> Layer {
            let width = configuration.attentionWidth(ofLayer: index)
            return Layer(
                attention: Attention(
                    selfAttention: SelfAttention(
                        query: linear(width, hidden),
                        key: linear(width, hidden),
                        value: linear(width, hidden)
                    ),
                    output: Output(dense: linear(hidden, width), layerNorm: norm(hidden))
                ),
                intermediate: Intermediate(dense: linear(intermediate, hidden)),
                output: Output(dense: linear(hidden, intermediate), layerNorm: norm(hidden))
            )
        }
        self.init(
            embeddings: Embeddings(
                wordEmbeddings: table(configuration.vocabularySize),
                positionEmbeddings: table(configuration.maximumPositionCount),
                tokenTypeEmbeddings: configuration.hasTokenTypes
                    ? table(configuration.tokenTypeCount) : nil,
                layerNorm: norm(embedding)
            ),
            embeddingsProject: embedding == hidden ? nil : linear(hidden, embedding),
            encoder: Encoder(layer: (0..<configuration.hiddenLayerCount).map(layer)),
            pooler: configuration.hasPooler ? Pooler(dense: linear(hidden, hidden)) : nil,
            predictions: head.predictsPieces
                ? Predictions(
                    bias: [configuration.vocabularySize],
                    transform: Output(
                        dense: linear(embedding, hidden),
                        layerNorm: norm(embedding)
                    )
                ) : nil,
            seqRelationship: head == .preTraining || head == .nextSentence
                ? linear(2, hidden) : nil,
            discriminatorPredictions: head == .replacedTokenDetection
                ? DiscriminatorPredictions(
                    dense: linear(hidden, hidden),
                    densePrediction: linear(1, hidden)
                ) : nil,
            classifier: configuration.classifierSize.map { linear($0, hidden) },
            qaOutputs: head == .questionAnswering ? linear(2, hidden) : nil
        )
    }
}
