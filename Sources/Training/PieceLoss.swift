public import Bert
public import Kernels

/// The loss of predicted word pieces: the cross entropy with the pieces that were there, and the
/// teacher's answer, each with a weight.
///
/// For rows of logits z: `hard` · mean over masked rows of −ln softmax(z)[piece], plus `soft` · T² ·
/// mean over rows of CE(softmax(z_T / T), softmax(z / T)) or its divergence, summed over the vocabulary.
///
/// - Source: Devlin et al. 2018, section 3.1; Sanh et al. 2019 (DistilBERT), whose code takes the
///   divergence.
public struct PieceLoss: Sendable {
    public var hard: Double
    public var soft: Double
    public var temperature: Double
    public var scalesByTemperatureSquared: Bool
    /// Whether the teacher's entropy is taken off: KL(p_T ‖ p_S). The same gradient.
    public var isDivergence: Bool

    public init(
        hard: Double,
        soft: Double = 0,
        temperature: Double = 1,
        scalesByTemperatureSquared: Bool = true,
        isDivergence: Bool = true
    ) {
        precondition(hard >= 0 && soft >= 0 && temperature > 0)
        (self.hard, self.soft, self.temperature) = (hard, soft, temperature)
        self.scalesByTemperatureSquared = scalesByTemperatureSquared
        self.isDivergence = isDivergence
    }

    /// Puts the gradient in the place of a block's logits, and its rows' losses, weighted, in their
    /// places.
    ///
    /// - Parameters:
    ///   - targets: by output, the piece that was there; −1 where the token is not masked.
    ///   - teacher: the teacher's logits of the block's rows; nil without a soft part.
    ///   - shares: what one row's hard and soft loss count in the means: 1 / number of rows.
    ///   - scale: multiplies the gradient alone.
    ///   - losses: by output, hard and soft.
    public func evaluate(
        _ block: PieceBlock,
        targets: [Int32],
        teacher: Matrix?,
        shares: (hard: Double, soft: Double),
        scale: Double,
        losses: UnsafeMutableBufferPointer<(hard: Double, soft: Double)>
    ) {
        let count = block.logits.columns
        let factor = scalesByTemperatureSquared ? temperature * temperature : 1
        for (row, output) in block.outputs.enumerated() {
            let logits = block.logits.base + row * block.logits.stride
            block.scratch.update(repeating: 0, count: count)
            var loss = (hard: 0.0, soft: 0.0)
            if hard > 0, targets[output] >= 0 {
                loss.hard =
                    hard * shares.hard
                    * Divergence.crossEntropy(
                        logits,
                        target: Int(targets[output]),
                        gradient: block.scratch,
                        count: count,
                        factor: Float(scale * hard * shares.hard)
                    )
            }
            if soft > 0, let teacher {
                let weight = soft * factor * shares.soft
                let found = Divergence.softmax(
                    student: logits,
                    teacher: teacher.base + row * teacher.stride,
                    gradient: block.scratch,
                    count: count,
                    studentScale: Float(1 / temperature),
                    teacherScale: Float(1 / temperature),
                    factor: Float(scale * weight / temperature)
                )
                loss.soft = weight * (found.divergence + (isDivergence ? 0 : found.entropy))
            }
            losses[output] = loss
            logits.update(from: block.scratch, count: count)
        }
    }

    /// The cross entropy of a batch's masked pieces, as a pass has predicted them.
    ///
    /// - Parameters:
    ///   - masked: the selected tokens.
    ///   - everyRow: rows whose soft loss is wanted; nil for the masked ones. It contains those.
    ///   - teacher: gives the teacher's logits of a block's rows.
    public func evaluate(
        _ pass: TrainingPass,
        _ masked: MaskedPieces,
        everyRow: [Int]? = nil,
        into gradients: Gradients,
        share: Double,
        accumulate: Bool,
        teacher: (_ rows: ArraySlice<Int>, _ worker: Int) -> Matrix? = { _, _ in nil }
    ) -> LossValue {
        let rows = everyRow ?? masked.rows
        var targets = masked.pieces
        if let everyRow {
            targets = [Int32](repeating: -1, count: everyRow.count)
            var place = 0
            for (row, piece) in zip(masked.rows, masked.pieces) {
                while everyRow[place] < row { place += 1 }
                targets[place] = piece
            }
        }
        var losses = [(hard: Double, soft: Double)](repeating: (0, 0), count: rows.count)
        losses.withUnsafeMutableBufferPointer { losses in
            // Safe: every block writes its own rows.
            nonisolated(unsafe) let losses = losses
            pass.predictPieces(rows, into: gradients, accumulate: accumulate) { block, worker in
                evaluate(
                    block,
                    targets: targets,
                    teacher: soft > 0 ? teacher(rows[block.outputs], worker) : nil,
                    shares: (1 / Double(max(1, masked.rows.count)), 1 / Double(max(1, rows.count))),
                    scale: share,
                    losses: losses
                )
            }
        }
        let hardSum = losses.reduce(0) { $0 + $1.hard }
        let softSum = losses.reduce(0) { $0 + $1.soft }
        var terms: [(name: String, value: Double)] = []
        if hard > 0 { terms.append(("masked_pieces", hardSum)) }
        if soft > 0 { terms.append(("piece_distributions", softSum)) }
        return LossValue(loss: hardSum + softSum, terms: terms)
    }
}

/// The masked language model's own objective: the mean over selected tokens of −ln softmax(z)[piece], in
/// nats.
public struct MaskedLanguageObjective: TrainingObjective {
    public init() {}

    public func reserve(_ pass: some ModelPass, for batch: TrainingBatch) {
        (pass as? TrainingPass)?.reservePieces(rows: batch.masked?.rows.count ?? 0)
    }

    public func evaluate<Pass: ModelPass>(
        _ pass: Pass,
        _ batch: TrainingBatch,
        into gradients: Pass.Gradients,
        share: Double,
        accumulate: Bool
    ) -> LossValue {
        guard let masked = batch.masked else { preconditionFailure("a batch without masks") }
        guard let pass = pass as? TrainingPass, let gradients = gradients as? Gradients else {
            preconditionFailure("pieces of a model without their head")
        }
        return PieceLoss(hard: 1)
            .evaluate(pass, masked, into: gradients, share: share, accumulate: accumulate)
    }
}
