public import Bert
import Kernels
import Tokenization
public import Training

/// A student's outputs against a teacher's: terms over intermediate outputs, each with its weight, and
/// the prediction.
///
/// The teacher runs without dropout, on what the student is shown. Terms are computed on the workers,
/// shard by shard, and their sums added in shard order: any number of workers gives the same bits.
///
/// A class because its identity is its memory and the projections that are trained with the student.
public final class DistillationObjective: TrainingObjective, @unchecked Sendable {
    /// An objective and its weight in the loss.
    public struct Term: Sendable {
        public var objective: any LayerObjective
        public var weight: Double

        public init(_ objective: any LayerObjective, weight: Double) {
            (self.objective, self.weight) = (objective, weight)
        }
    }

    public let terms: [Term]
    public let prediction: PredictionTerm?
    /// What of a masked language model's predictions is compared.
    public let pieces: PieceTerm?
    public let auxiliary: AuxiliaryParameters?
    public let outputs: IntermediateSelection
    let teacher: BertInference
    private let teacherOutputs: IntermediateSelection
    private let teacherWidth: Int
    private let memory = IntermediateMemory()
    private var projected = GrowingBuffer()
    var scratch: [GrowingBuffer]

    /// - Parameters:
    ///   - auxiliary: the projections that the terms name, by `projections(for:)`.
    ///   - workerCount: that of the pool that trains.
    /// - Precondition: every term was checked against both models.
    public init(
        teacher: BertInference,
        terms: [Term],
        prediction: PredictionTerm?,
        pieces: PieceTerm? = nil,
        auxiliary: AuxiliaryParameters?,
        workerCount: Int
    ) {
        self.teacher = teacher
        self.terms = terms
        self.prediction = prediction
        self.pieces = pieces
        self.auxiliary = auxiliary
        outputs = terms.reduce(.none) { $0.union($1.objective.student) }
        let configuration = teacher.model.configuration
        let read: IntermediateSelection = terms.reduce(.none) { $0.union($1.objective.teacher) }
        let last = IntermediateSelection(hiddenStates: [configuration.hiddenLayerCount])
        teacherOutputs = pieces?.readsTeacher ?? false ? read.union(last) : read
        teacherWidth = configuration.hiddenSize
        scratch = (0..<workerCount).map { _ in GrowingBuffer() }
    }

    /// The projections that terms name, each once.
    public static func projections(
        for terms: [Term],
        student: BertConfiguration,
        teacher: BertConfiguration
    ) -> [AuxiliaryParameters.Specification] {
        var found: [AuxiliaryParameters.Specification] = []
        for use in terms.flatMap(\.objective.projections)
        where !found.contains(where: { $0.name == use.name }) {
            found.append(
                .init(
                    name: use.name,
                    input: student.hiddenSize,
                    output: teacher.hiddenSize,
                    hasBias: use.hasBias
                )
            )
        }
        return found
    }

    public func reserve(_ pass: some ModelPass, for batch: TrainingBatch) {
        guard !terms.isEmpty || pieces != nil, let pass = pass as? TrainingPass else { return }
        if let pieces { pass.reservePieces(rows: pieces.rowCount(of: batch)) }
        guard !terms.isEmpty || pieces?.readsTeacher ?? false else { return }
        _ = memory.layOut(batch.sequences, teacher.model.configuration, teacherOutputs)
        _ = activeProjections(batch.sequences.tokenCount)
    }

    public func evaluate<Pass: ModelPass>(
        _ pass: Pass,
        _ shown: TrainingBatch,
        into gradients: Pass.Gradients,
        share: Double,
        accumulate: Bool
    ) -> LossValue {
        let batch = shown.sequences
        var value = LossValue(loss: 0, terms: [])
        predict(pass, shown, share: share, &value)
        guard !terms.isEmpty || pieces != nil else { return value }
        guard let pass = pass as? TrainingPass, let gradients = gradients as? Gradients else {
            preconditionFailure("layers of a model that has none were let through")
        }
        guard !terms.isEmpty || pieces?.readsTeacher ?? false else {
            predictPieces(pass, shown, into: gradients, nil, share, accumulate, &value)
            return value
        }

        let expected = teacher.intermediate(batch, teacherOutputs, in: memory)
        predictPieces(pass, shown, into: gradients, expected, share, accumulate, &value)
        guard !terms.isEmpty else { return value }
        let (found, gradient) = (pass.outputs, pass.outputGradients)
        let active = activeProjections(batch.tokenCount)
        let pairCount = (0..<batch.sequenceCount).reduce(0) {
            $0 + batch.length(of: $1) * batch.length(of: $1)
        }
        var sums = [Double](repeating: 0, count: pass.shardCount * terms.count)
        sums.withUnsafeMutableBufferPointer { sums in
            scratch.withUnsafeMutableBufferPointer { scratch in
                // Safe: every task writes its own sums, and a worker runs one task at a time.
                nonisolated(unsafe) let (sums, scratch) = (sums, scratch)
                pass.forEachShard { shard, index, worker in
                    for (number, term) in terms.enumerated() {
                        let part = ObjectiveShard(
                            batch: batch,
                            shard: shard,
                            student: found,
                            teacher: expected,
                            gradient: gradient,
                            gradientWeight: term.weight * share,
                            pairCount: pairCount,
                            projections: active[number],
                            reserve: { scratch[worker].reserve($0) }
                        )
                        sums[index * terms.count + number] = term.objective.evaluate(part)
                    }
                }
            }
        }
        for (number, term) in terms.enumerated() {
            var sum = 0.0
            for shard in 0..<pass.shardCount { sum += sums[shard * terms.count + number] }
            value.loss += term.weight * sum
            value.terms.append((term.objective.name, term.weight * sum))
        }
        addProjectionGradients(active.flatMap(\.values), found, pass.pool, accumulate: accumulate)
        return value
    }

    private func predict(
        _ pass: some ModelPass,
        _ shown: TrainingBatch,
        share: Double,
        _ value: inout LossValue
    ) {
        guard let logits = pass.logits, let target = pass.logitGradients else {
            return
        }
        guard let prediction else {
            target.base.update(repeating: 0, count: target.rows * target.columns)
            return
        }
        let found = prediction.evaluate(logits.values, shown, teacher: teacher)
        let factor = Float(prediction.weight * share)
        for (index, element) in found.gradient.logits.enumerated() {
            target.base[index] = factor == 1 ? element : element * factor
        }
        value.loss += prediction.weight * found.loss
        value.terms += found.terms.map { ($0.name, prediction.weight * $0.value) }
    }

    /// By term, its projections with memory for what they give.
    private func activeProjections(_ tokens: Int) -> [[ProjectionUse: ActiveProjection]] {
        guard let auxiliary else { return terms.map { _ in [:] } }
        let count = terms.reduce(0) { $0 + $1.objective.projections.count }
        let size = (tokens * teacherWidth + 15) / 16 * 16
        var next = projected.reserve(count * size)
        return terms.map { term in
            var active: [ProjectionUse: ActiveProjection] = [:]
            for use in term.objective.projections {
                let index = auxiliary.specifications.firstIndex { $0.name == use.name }
                guard let index else { preconditionFailure("no projection \(use.name)") }
                active[use] = ActiveProjection(
                    linear: auxiliary.linear(index),
                    output: Matrix(next, rows: tokens, columns: teacherWidth),
                    index: index,
                    hiddenState: use.hiddenState
                )
                next += size
            }
            return active
        }
    }

    /// dW = Σ over uses of dYᵀ · H_S, each task some rows of one matrix.
    private func addProjectionGradients(
        _ active: [ActiveProjection],
        _ student: IntermediateOutputs,
        _ pool: WorkerPool,
        accumulate: Bool
    ) {
        guard let auxiliary else { return }
        struct Part {
            let index: Int
            let rows: Range<Int>
            let uses: [ActiveProjection]
        }
        let order = active.sorted { ($0.index, $0.hiddenState) < ($1.index, $1.hiddenState) }
        let parts = auxiliary.specifications.indices.flatMap { index in
            stride(from: 0, to: teacherWidth, by: 96).map { start in
                Part(
                    index: index,
                    rows: start..<min(start + 96, teacherWidth),
                    uses: order.filter { $0.index == index }
                )
            }
        }
        pool.run(parts.count) { task, worker in
            let part = parts[task]
            let gradient = auxiliary.gradient(part.index).outputs(part.rows)
            let hasBias = auxiliary.specifications[part.index].hasBias
            if hasBias, !accumulate {
                gradient.bias.update(repeating: 0, count: gradient.output)
            }
            var accumulate = accumulate
            for use in part.uses {
                let d = Matrix(
                    use.output.base + part.rows.lowerBound,
                    rows: use.output.rows,
                    columns: part.rows.count,
                    stride: use.output.stride
                )
                gradient.accumulateWeight(
                    d,
                    student.hiddenState(use.hiddenState),
                    accumulate: accumulate
                )
                if hasBias { Elementwise.addColumnSums(d, to: gradient.bias) }
                accumulate = true
            }
            pool.recorder(worker)?.lap(.loss)
        }
    }
}
