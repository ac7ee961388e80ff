public import Kernels
import Randomness
public import Tensors

extension BertConfiguration.Activation {
    var kernel: Kernels.Activation {
        switch self {
        case .gelu: .gelu
        case .geluTanh: .geluTanh
        case .relu: .relu
        }
    }
}

/// An encoder of BERT's kind with its configuration's head.
///
/// A class because training changes its weights in place.
///
/// - Source: the classes of the transformers library (`BertForSequenceClassification`, …).
public final class BertModel: @unchecked Sendable {
    public let configuration: BertConfiguration
    public let weights: ParameterBuffer
    /// The precision whose form the layers' matrices are in, and in no other, so that this is of no use
    /// but for answers in that precision; nil where they are as they were read.
    public let answers: Precision?
    var views: ModelViews

    public var layout: ParameterLayout { weights.layout }

    /// A model whose weights are there already.
    public convenience init(_ weights: ParameterBuffer) {
        self.init(weights, ModelViews(weights), answers: nil)
    }

    init(_ weights: ParameterBuffer, _ views: ModelViews, answers: Precision?) {
        configuration = weights.layout.configuration
        self.weights = weights
        self.views = views
        self.answers = answers
    }

    /// A model with weights given as tensors.
    ///
    /// A bare encoder may lack the pooler that its family's class has: encoders taken out of another
    /// model often do.
    ///
    /// - Precondition: the tensors have the shapes that the configuration demands.
    public init(_ configuration: BertConfiguration, parameters: BertParameters<Tensor>) {
        self.configuration = configuration
        answers = nil
        var specification = BertParameters<Shape>(configuration)
        if configuration.head == Head.none, parameters.pooler == nil { specification.pooler = nil }
        weights = ParameterBuffer(ParameterLayout(configuration, specification))
        views = ModelViews(weights)
        let slots = layout.entries
        for ((name, tensor), (slotName, slot)) in zip(parameters.leaves, slots) {
            precondition(name == slotName, "parameter \(name) where \(slotName) belongs")
            weights.set(slot, to: tensor)
        }
        precondition(parameters.leaves.count == slots.count, "parameters missing")
    }

    /// A model with new weights: matrices and embeddings from N(0, `initializerRange`), biases zero,
    /// layer normalisations one and zero.
    ///
    /// Parameter number i (in model order) draws from stream i, so that a parameter's values do not
    /// depend on the others' shapes.
    public init(_ configuration: BertConfiguration, seed: UInt64) {
        self.configuration = configuration
        answers = nil
        weights = ParameterBuffer(ParameterLayout(configuration))
        views = ModelViews(weights)
        for index in layout.entries.indices { initialize(parameter: index, seed: seed) }
    }

    /// A model with the same weights in memory of its own.
    public init(copying other: BertModel) {
        configuration = other.configuration
        answers = nil
        weights = ParameterBuffer(other.layout)
        views = ModelViews(weights)
        weights.copy(from: other.weights)
    }

    /// Gives parameter `index` (in model order) a new value as a new model has it.
    public func initialize(parameter index: Int, seed: UInt64) {
        let (name, slot) = layout.entries[index]
        Self.initialize(
            UnsafeMutableBufferPointer(start: weights.pointer(slot), count: slot.shape.count),
            name,
            index,
            deviation: configuration.initializerRange,
            seed: seed
        )
    }

    private static func initialize(
        _ target: UnsafeMutableBufferPointer<Float>,
        _ name: String,
        _ index: Int,
        deviation: Double,
        seed: UInt64
    ) {
        if name.hasSuffix(".bias") {
            target.update(repeating: 0)
        } else if name.hasSuffix("LayerNorm.weight") {
            target.update(repeating: 1)
        } else {
            var random = Philox(seed: seed, purpose: .initialization, index: UInt32(index))
            for element in target.indices {
                target[element] = Float(deviation * random.nextNormal())
            }
        }
    }

    /// Single parameters as a new model has them, without the rest of the model.
    ///
    /// - Precondition: the model has parameters of these canonical names.
    public static func initialParameters(
        _ configuration: BertConfiguration,
        named names: [String],
        seed: UInt64
    ) -> [(name: String, tensor: Tensor)] {
        let leaves = BertParameters<Shape>(configuration).leaves
        return names.map { name in
            guard let index = leaves.firstIndex(where: { $0.name == name }) else {
                preconditionFailure("no parameter \(name)")
            }
            var tensor = Tensor(repeating: 0, shape: leaves[index].leaf)
            tensor.values.withUnsafeMutableBufferPointer { values in
                initialize(
                    values,
                    name,
                    index,
                    deviation: configuration.initializerRange,
                    seed: seed
                )
            }
            return (name, tensor)
        }
    }

    /// The weights as tensors, by checkpoint structure.
    public var parameters: BertParameters<Tensor> {
        layout.slots.map { _, slot in weights.tensor(slot) }
    }

    /// The number of weights, with and without the embedding tables.
    public var parameterCount: (total: Int, withoutEmbeddings: Int) {
        let total = layout.entries.reduce(0) { $0 + $1.slot.shape.count }
        let embeddings = layout.slots.embeddings
        let tables = [
            embeddings.wordEmbeddings, embeddings.positionEmbeddings,
            embeddings.tokenTypeEmbeddings,
        ].compactMap(\.self)
        return (total, total - tables.reduce(0) { $0 + $1.weight.shape.count })
    }
}
