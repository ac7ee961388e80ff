public import Bert
public import Diagnostics
import Kernels
import Tokenization

/// KL between self-attention relations of a layer's queries, keys or values:
/// softmax(X Xᵀ / √d_r) of X re-split into A relation heads of width d_r, a row for each token and
/// head, averaged over both; nats. Neither heads nor widths of the models need to be equal.
///
/// - Source: Wang et al. 2021 (MiniLMv2), equation 4; with the values and the models' own heads,
///   MiniLM's value relation.
public struct RelationLoss: LayerObjective {
    public enum Vectors: String, Sendable, Hashable, CaseIterable { case query, key, value }

    public let vectors: Vectors
    /// A_r.
    public let headCount: Int
    /// One layer of each model, from 1.
    public let pair: LayerPair
    public let reduction: Reduction

    public init(vectors: Vectors, headCount: Int, pair: LayerPair, reduction: Reduction) {
        (self.vectors, self.headCount) = (vectors, headCount)
        (self.pair, self.reduction) = (pair, reduction)
    }

    public var pairs: [LayerPair] { [pair] }
    public var name: String { "\(vectors.rawValue)_relations" }
    public var student: IntermediateSelection { .init(queryKeyValue: [pair.student - 1]) }
    public var teacher: IntermediateSelection { .init(queryKeyValue: [pair.teacher - 1]) }

    public func check(
        student: BertConfiguration,
        teacher: BertConfiguration
    ) throws(Failure) {
        try LayerPair.check([pair], of: name, student, teacher)
        let own = student.attentionWidth(ofLayer: pair.student - 1)
        let other = teacher.attentionWidth(ofLayer: pair.teacher - 1)
        for (model, width) in [("student", own), ("teacher", other)]
        where headCount < 1 || !width.isMultiple(of: headCount) {
            let common = Self.possibleHeadCounts(student, teacher, pair)
            throw Failure(
                .usage,
                name,
                "\(headCount) relation heads do not divide the \(model)'s width of \(width)",
                remedy: "These divide both models' widths: "
                    + common.map(String.init).joined(separator: ", ")
            )
        }
    }

    /// The numbers of relation heads that divide the widths of both layers' queries, keys and values.
    public static func possibleHeadCounts(
        _ student: BertConfiguration,
        _ teacher: BertConfiguration,
        _ pair: LayerPair
    ) -> [Int] {
        let own = student.attentionWidth(ofLayer: pair.student - 1)
        let other = teacher.attentionWidth(ofLayer: pair.teacher - 1)
        return (1...min(own, other)).filter { own.isMultiple(of: $0) && other.isMultiple(of: $0) }
    }

    public func evaluate(_ shard: ObjectiveShard) -> Double {
        let own = matrix(shard.student, pair.student)
        let other = matrix(shard.teacher, pair.teacher)
        let gradient = matrix(shard.gradient, pair.student)
        let (size, teacherSize) = (own.columns / headCount, other.columns / headCount)
        var loss = 0.0
        for (sequences, weight) in shard.tokenRuns(reduction) {
            let scale = weight / Double(headCount)
            var sum = 0.0
            for sequence in sequences {
                let rows = shard.batch.rows(of: sequence)
                let scratch = shard.scratch(
                    Divergence.relationScratch(
                        length: rows.count,
                        studentSize: size,
                        teacherSize: teacherSize
                    )
                )
                for head in 0..<headCount {
                    sum += Divergence.relation(
                        student: own.part(rows, head, size),
                        teacher: other.part(rows, head, teacherSize),
                        gradient: gradient.part(rows, head, size),
                        factor: Float(scale * shard.gradientWeight),
                        scratch: scratch
                    )
                }
            }
            loss += scale * sum
        }
        return loss
    }

    private func matrix(_ outputs: IntermediateOutputs, _ layer: Int) -> Matrix {
        guard let all = outputs.queryKeyValue[layer - 1] else {
            preconditionFailure("not selected")
        }
        switch vectors {
        case .query: return all.query
        case .key: return all.key
        case .value: return all.value
        }
    }
}

extension Matrix {
    /// Rows of one head of `size` columns.
    fileprivate func part(_ rows: Range<Int>, _ head: Int, _ size: Int) -> Matrix {
        Matrix(
            base + rows.lowerBound * stride + head * size,
            rows: rows.count,
            columns: size,
            stride: stride
        )
    }
}
