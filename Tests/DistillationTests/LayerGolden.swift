import Bert
import Distillation
import Foundation
import Kernels
import TestSupport
import Testing
import Tokenization
import Training

/// PyTorch's losses between intermediate outputs, by `fixtures/generate/layer_goldens.py`.
struct LayerGolden: Decodable, Sendable {
    struct Case: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let objective: String
        let reduction: String
        let value: Double
        let gradients: [String: [Double]]
        let projection: String?
        let heads: String?
        let relationHeads: Int?
        let normalizes: Bool?
        var testDescription: String { "\(name), \(reduction)" }

        var reductionValue: Reduction { Reduction(rawValue: reduction) ?? .tokenMean }
    }

    let lengths: [Int]
    let student: [String: [Float]]
    let teacher: [String: [Float]]
    let weights: [[Float]]
    let bias: [Float]
    let cases: [Case]

    static let file: LayerGolden? = {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let url = Fixtures.folder.appending(path: "goldens/layer_losses.json")
        return (try? Data(contentsOf: url)).flatMap { try? decoder.decode(Self.self, from: $0) }
    }()

    static let studentConfiguration = sized(hidden: 12, layers: 1, heads: 3)

    static func teacherConfiguration(_ data: Case) -> BertConfiguration {
        switch data.objective {
        case "cosine", "patience": sized(hidden: 12, layers: 2, heads: 3)
        case "hidden-states" where data.projection == "none":
            sized(hidden: 12, layers: 2, heads: 3)
        default: sized(hidden: 24, layers: 2, heads: data.heads == "mean" ? 4 : 3)
        }
    }

    static func objective(_ data: Case) -> any LayerObjective {
        let both = [LayerPair(0, 0), LayerPair(1, 2)]
        let last = LayerPair(1, 2)
        let reduction = data.reductionValue
        switch data.objective {
        case "hidden-states":
            return HiddenStateLoss(
                pairs: both,
                projection: HiddenStateLoss.Projection(rawValue: data.projection ?? "") ?? .none,
                reduction: reduction
            )
        case "cosine": return CosineLoss(pairs: [last], reduction: reduction)
        case "patience": return PatientLoss(pairs: both, normalizes: data.normalizes ?? true)
        case "attention-scores":
            return AttentionScoreLoss(
                pairs: [last],
                heads: data.heads == "mean" ? .mean : .equal,
                reduction: reduction
            )
        case "attention-distributions":
            return AttentionDistributionLoss(pairs: [last], reduction: reduction)
        default:
            let vectors = data.objective.replacing("-relations", with: "")
            return RelationLoss(
                vectors: RelationLoss.Vectors(rawValue: vectors) ?? .query,
                headCount: data.relationHeads ?? 0,
                pair: last,
                reduction: reduction
            )
        }
    }

    static func sized(hidden: Int, layers: Int, heads: Int) -> BertConfiguration {
        BertConfiguration(
            hiddenSize: hidden,
            hiddenLayerCount: layers,
            attentionHeadCount: heads,
            intermediateSize: 2 * hidden,
            vocabularySize: 31,
            maximumPositionCount: 64,
            tokenTypeCount: 2,
            layerNormEpsilon: 1e-12,
            activation: .gelu,
            hiddenDropoutProbability: 0.1,
            attentionDropoutProbability: 0.1,
            classifierDropout: nil,
            initializerRange: 0.2,
            padTokenID: 0,
            labels: ["no", "yes", "perhaps"],
            problemType: .classification
        )
    }
}

/// Outputs in arrays, where objectives can read them.
final class Bench {
    let batch: PackedBatch
    let objective: any LayerObjective
    private let memories = [IntermediateMemory(), IntermediateMemory(), IntermediateMemory()]
    let student: IntermediateOutputs
    let teacher: IntermediateOutputs
    let gradient: IntermediateOutputs
    let auxiliary: AuxiliaryParameters
    private let projected: [FloatBuffer]
    private let active: [ProjectionUse: ActiveProjection]
    private var scratch = GrowingBuffer()

    init(
        lengths: [Int],
        _ objective: any LayerObjective,
        student: BertConfiguration,
        teacher: BertConfiguration
    ) {
        let encodings = lengths.map { length in
            Encoding(
                ids: [Int32](repeating: 5, count: length),
                tokenTypes: [Int32](repeating: 0, count: length),
                truncated: 0
            )
        }
        batch = PackedBatch(encodings)
        self.objective = objective
        self.student = memories[0].layOut(batch, student, objective.student)
        self.teacher = memories[1].layOut(batch, teacher, objective.teacher)
        gradient = memories[2].layOut(batch, student, objective.student)
        let terms = [DistillationObjective.Term(objective, weight: 1)]
        auxiliary = AuxiliaryParameters(
            DistillationObjective.projections(for: terms, student: student, teacher: teacher),
            deviation: 0.3,
            seed: 4
        )
        let tokens = batch.tokenCount
        projected = objective.projections.map { _ in
            FloatBuffer(count: tokens * teacher.hiddenSize)
        }
        var active: [ProjectionUse: ActiveProjection] = [:]
        for (use, memory) in zip(objective.projections, projected) {
            let index = auxiliary.specifications.firstIndex { $0.name == use.name } ?? 0
            active[use] = ActiveProjection(
                linear: auxiliary.linear(index),
                output: memory.matrix(rows: tokens, columns: teacher.hiddenSize),
                index: index,
                hiddenState: use.hiddenState
            )
        }
        self.active = active
    }

    /// All values of some outputs, in a fixed order; the closure may change them.
    static func visit(
        _ outputs: IntermediateOutputs,
        _ sequences: Int,
        _ body: (_ name: String, _ at: UnsafeMutablePointer<Float>) -> Void
    ) {
        func visit(_ name: String, _ matrix: Matrix) {
            for row in 0..<matrix.rows {
                for column in 0..<matrix.columns {
                    body(name, matrix.base + row * matrix.stride + column)
                }
            }
        }
        for (index, matrix) in outputs.hiddenStates.sorted(by: { $0.key < $1.key }) {
            visit("hidden.\(index)", matrix)
        }
        for (layer, base) in outputs.attentionScores.sorted(by: { $0.key < $1.key }) {
            for element in outputs.scores(of: 0..<sequences, layer: layer) {
                body("scores", base + element)
            }
        }
        for (_, all) in outputs.queryKeyValue.sorted(by: { $0.key < $1.key }) {
            visit("query", all.query)
            visit("key", all.key)
            visit("value", all.value)
        }
    }

    func fill(_ outputs: IntermediateOutputs, from values: [String: [Float]]) {
        var next: [String: Int] = [:]
        Self.visit(outputs, batch.sequenceCount) { name, place in
            place.pointee = values[name]?[next[name, default: 0]] ?? 0
            next[name, default: 0] += 1
        }
    }

    func values(_ outputs: IntermediateOutputs) -> [String: [Float]] {
        var values: [String: [Float]] = [:]
        Self.visit(outputs, batch.sequenceCount) { values[$0, default: []].append($1.pointee) }
        return values
    }

    /// The gradients of the projections after `evaluate`, worked out from those of what they give.
    func projectionGradients() -> [String: [Double]] {
        var found: [String: [Double]] = [:]
        for (use, projection) in active {
            guard let states = student.hiddenStates[use.hiddenState] else { continue }
            let (d, width) = (projection.output, states.columns)
            let name = "weight.\(projection.index)"
            var weight = found[name] ?? [Double](repeating: 0, count: d.columns * width)
            var bias = found["bias"] ?? [Double](repeating: 0, count: d.columns)
            for row in 0..<d.rows {
                for output in 0..<d.columns {
                    let slope = Double(d.base[row * d.stride + output])
                    bias[output] += slope
                    for input in 0..<width {
                        let value = Double(states.base[row * states.stride + input])
                        weight[output * width + input] += slope * value
                    }
                }
            }
            found[name] = weight
            if use.hasBias { found["bias"] = bias }
        }
        return found
    }

    /// The loss, with its gradient left in `gradient`.
    ///
    /// - Parameter cuts: where sequences are cut into shards.
    func evaluate(weight: Double = 1, cuts: [Int] = []) -> Double {
        Self.visit(gradient, batch.sequenceCount) { $1.pointee = 0 }
        let ends = cuts + [batch.sequenceCount]
        let pairs = (0..<batch.sequenceCount).reduce(0) {
            $0 + batch.length(of: $1) * batch.length(of: $1)
        }
        var loss = 0.0
        var start = 0
        for end in ends {
            let shard = Shard(
                sequences: start..<end,
                rows: batch.offsets[start]..<batch.offsets[end]
            )
            loss += objective.evaluate(
                ObjectiveShard(
                    batch: batch,
                    shard: shard,
                    student: student,
                    teacher: teacher,
                    gradient: gradient,
                    gradientWeight: weight,
                    pairCount: pairs,
                    projections: active,
                    reserve: { self.scratch.reserve($0) }
                )
            )
            start = end
        }
        return loss
    }
}
