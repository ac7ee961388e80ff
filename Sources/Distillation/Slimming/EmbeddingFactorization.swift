public import Bert
public import Diagnostics
public import Kernels
import Tensors

/// Embeddings of fewer dimensions than the hidden states, which `embeddings_project` widens: word
/// pieces `[V, E]` and one matrix `[H, E]` in the place of `[V, H]`.
///
/// - Source: the factorised embedding parameterisation of ALBERT, Lan et al. 2020, section 3.1, in the
///   form that ELECTRA has it, Clark et al. 2020: normalised before they are widened.
public struct EmbeddingFactorization: Sendable {
    /// E.
    public let size: Int

    public init(size: Int) {
        precondition(size > 0)
        self.size = size
    }

    /// A model's configuration with embeddings of E dimensions: an ELECTRA, the family that has such.
    ///
    /// - Throws: `Failure` of kind `.usage` for a family whose embeddings ELECTRA's cannot be, and for an
    ///   E that is not below the present width.
    public func configuration(
        of source: BertConfiguration
    ) throws(Failure) -> BertConfiguration {
        guard source.family == .bert || source.family == .electra else {
            throw Failure(
                .usage,
                "--embedding",
                "embeddings of another width than the hidden states are ELECTRA's, whose positions and "
                    + "token types a \(source.modelType.rawValue) model does not have",
                remedy: "Leave it out, or take a bert or electra teacher"
            )
        }
        guard size < source.embeddingSize else {
            throw Failure(
                .usage,
                "--embedding",
                "\(size) is not below the width of \(source.embeddingSize) that the student's embeddings "
                    + "have without it"
            )
        }
        var result = source
        result.modelType = .electra
        result.embeddingSize = size
        return result
    }

    /// A student whose embeddings are factorised.
    ///
    /// The rows of B, `[E, W]`, are the right singular vectors of the word embeddings; all three tables X
    /// become X Bᵀ, U Σ for the words. The normalisation keeps no weights of its own: those stand in the
    /// projection, diag(γ) Bᵀ √(e W / E) and β, where e is the share of the words' energy that B holds.
    /// That is exact where the sums of embeddings, and the vector of ones, lie in the span of B.
    /// A masked language model's head is new but for its biases, since its transform is E wide.
    ///
    /// - Parameter seed: for the head.
    /// - Throws: `Failure` as `configuration(of:)` does, or of kind `.limit` without LAPACK.
    public func apply(
        to student: Student,
        seed: UInt64,
        pool: WorkerPool
    ) throws(Failure) -> Student {
        let source = student.model.configuration
        let configuration = try configuration(of: source)
        var parameters = student.model.parameters
        let found = try PrincipalDirections(
            ofRows: parameters.embeddings.wordEmbeddings.weight,
            count: size
        )
        let basis = HiddenBasis.projection(found.basis)
        func narrow(_ table: Tensor) -> Tensor { basis.columns(table, pool) }
        let norm = parameters.embeddings.layerNorm
        parameters.embeddings.wordEmbeddings.weight = narrow(
            parameters.embeddings.wordEmbeddings.weight
        )
        parameters.embeddings.positionEmbeddings.weight = narrow(
            parameters.embeddings.positionEmbeddings.weight
        )
        if let types = parameters.embeddings.tokenTypeEmbeddings?.weight {
            parameters.embeddings.tokenTypeEmbeddings?.weight = narrow(types)
        }
        let one = Tensor(repeating: 1, shape: [size])
        let zero = Tensor(repeating: 0, shape: [size])
        parameters.embeddings.layerNorm = .init(weight: one, bias: zero)
        let width = source.embeddingSize
        let factor = Float((found.energy * Double(width) / Double(size)).squareRoot())
        parameters.embeddingsProject = Self.widening(
            norm,
            parameters.embeddingsProject,
            found.basis,
            factor
        )
        var origin =
            "word embeddings factorised into \(size) singular directions of \(width), with "
            + "\(Int((found.energy * 100).rounded())) % of their energy, and a projection"
        if source.modelType != .electra { origin += "; the student is an electra model" }
        if let bias = parameters.predictions?.bias {
            let new = BertModel(configuration, seed: seed).parameters
            parameters.predictions = new.predictions
            parameters.predictions?.bias = bias
            origin += "; the head's transform is new"
        }
        return Student(
            model: BertModel(configuration, parameters: parameters),
            origin: student.origin + [origin]
        )
    }

    /// What turns normalised embeddings of E dimensions into hidden states: the old normalisation's weight
    /// and bias, and the old projection where there was one, behind Bᵀ.
    private static func widening(
        _ norm: BertParameters<Tensor>.LayerNorm,
        _ project: BertParameters<Tensor>.Linear?,
        _ basis: Tensor,
        _ factor: Float
    ) -> BertParameters<Tensor>.Linear {
        let (size, width) = (basis.shape[0], basis.shape[1])
        let hidden = project?.weight.shape[0] ?? width
        var weight = [Float](repeating: 0, count: hidden * size)
        var bias = project?.bias.values ?? norm.bias.values
        for row in 0..<hidden {
            for column in 0..<width {
                let own: Float = row == column ? 1 : 0
                let through = project?.weight.values[row * width + column] ?? own
                guard through != 0 else { continue }
                let scaled = through * norm.weight.values[column] * factor
                for index in 0..<size {
                    weight[row * size + index] += scaled * basis.values[index * width + column]
                }
                if project != nil { bias[row] += through * norm.bias.values[column] }
            }
        }
        return .init(
            weight: Tensor(shape: [hidden, size], values: weight),
            bias: Tensor(shape: [hidden], values: bias)
        )
    }
}
