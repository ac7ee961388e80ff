/// The heads' parts of the tree.
extension BertParameters {
    /// `cls.predictions.*`; the decoder's matrix is the word embeddings' and is not kept twice.
    public struct Predictions {
        /// `cls.predictions.bias`, `[vocabulary]`.
        public var bias: Leaf
        /// `cls.predictions.transform.*`: `dense` `[embedding, hidden]`, then the activation, then
        /// the layer normalisation.
        public var transform: Output

        public init(bias: Leaf, transform: Output) {
            self.bias = bias
            self.transform = transform
        }
    }

    /// `discriminator_predictions.*`
    public struct DiscriminatorPredictions {
        /// `[hidden, hidden]`
        public var dense: Linear
        /// `[1, hidden]`
        public var densePrediction: Linear

        public init(dense: Linear, densePrediction: Linear) {
            self.dense = dense
            self.densePrediction = densePrediction
        }
    }
}

extension BertParameters.Predictions: Sendable where Leaf: Sendable {}
extension BertParameters.DiscriminatorPredictions: Sendable where Leaf: Sendable {}
