import Bert
import Foundation
import Kernels
import Tensors
import Testing
import Tokenization
import Training

/// Word rows are updated late; the result must be that of an optimizer that updates all of them in
/// every step.
@Suite struct AdamWTests {
    /// AdamW over the whole word table in double precision.
    private struct Dense {
        var weight: [Double]
        var first: [Double]
        var second: [Double]
        let constants: AdamW.Constants

        init(_ weight: [Float], _ constants: AdamW.Constants) {
            self.weight = weight.map(Double.init)
            first = [Double](repeating: 0, count: weight.count)
            second = first
            self.constants = constants
        }

        mutating func step(_ number: Int, _ gradient: [Float], scale: Double, rate: Double) {
            let (beta1, beta2) = (constants.beta1, constants.beta2)
            let corrections = (1 - pow(beta1, Double(number)), 1 - pow(beta2, Double(number)))
            for index in weight.indices {
                let g = Double(gradient[index]) * scale
                first[index] = beta1 * first[index] + (1 - beta1) * g
                second[index] = beta2 * second[index] + (1 - beta2) * g * g
                let deviation = (second[index] / corrections.1).squareRoot()
                weight[index] -= rate * constants.weightDecay * weight[index]
                weight[index] -= rate * first[index] / corrections.0 / (deviation + constants.epsilon)
            }
        }
    }

    @Test(arguments: [0.9, 0.99, 0])
    func `rows that wait for hundreds of steps end where a dense optimizer takes them`(
        _ beta1: Double
    ) {
        let constants = AdamW.Constants(beta1: beta1, weightDecay: 0.05, clipNorm: 1)
        let model = SmallTask.model(dropout: 0)
        let slot = model.layout.slots.embeddings.wordEmbeddings.weight
        let width = slot.shape[1]
        let initial = model.weights.tensor(slot).values
        let pool = WorkerPool(workerCount: 2)
        let optimizer = AdamW(model, constants: constants, pool: pool)
        let pass = TrainingPass(model, pool: pool)
        let gradients = Gradients(model.layout)
        var dense = Dense(initial, constants)
        let steps = 700
        var log = 0.0
        for number in 1...steps {
            // Piece 50 occurs in steps 1 and 400, 51 in step 1, 52 in step 3 and the last, 53 twice
            // with a short wait, 54 never; the others always.
            var ids: [Int32] = [1, 2, 3, 4, 5]
            if number == 1 || number == 400 { ids.append(50) }
            if number == 1 { ids.append(51) }
            if number == 3 || number == steps { ids.append(52) }
            if number == 10 || number == 17 { ids.append(53) }
            let batch = PackedBatch(
                ids: ids,
                tokenTypes: ids.map { _ in 0 },
                offsets: [0, 3, ids.count]
            )
            optimizer.prepare(ids)
            if number == 400 || number == steps {
                // What the forward pass is about to read.
                let row = number == 400 ? 50 : 52
                let found = (0..<width).map { model.weights.pointer(slot)[row * width + $0] }
                expectRow(found, dense, row, width)
            }
            let logits = pass.forward(batch, dropoutSeed: nil, step: 0)
            let value = CrossEntropyLoss(targets: [Float(number % 3), 1], classCount: 3)
                .evaluate(logits: logits, examples: [0, 1])
            pass.backward(value.gradient, into: gradients)
            let norm = optimizer.gradientNorm(gradients)
            let rate = 2e-3 * (1 - Double(number) / 1000)
            optimizer.step(gradients, norm: norm, learningRate: rate)
            dense.step(
                number,
                gradients.wordEmbeddings(),
                scale: min(1, 1 / (norm + 1e-6)),
                rate: rate
            )
            log += log1p(-rate * 0.05)
        }
        optimizer.synchronize()
        let final = model.weights.tensor(slot).values
        for row in 0..<slot.shape[0] {
            expectRow(Array(final[row * width..<(row + 1) * width]), dense, row, width)
        }
        // A row that never had a gradient is its initial value times all decays.
        for column in 0..<width {
            let expected = Double(initial[54 * width + column]) * exp(log)
            #expect(abs(Double(final[54 * width + column]) - expected) < 1e-7)
        }
        // Twice brings nothing new.
        optimizer.synchronize()
        #expect(model.weights.tensor(slot).values == final)
        #expect(optimizer.stepCount == steps)
    }

    private func expectRow(_ found: [Float], _ dense: Dense, _ row: Int, _ width: Int) {
        let expected = dense.weight[row * width..<(row + 1) * width]
        let worst = zip(found, expected).map { abs(Double($0) - $1) }.max() ?? .infinity
        #expect(worst <= 1e-6, "row \(row): \(worst)")
    }

    @Test func `the gradient's norm counts every parameter once`() {
        let model = SmallTask.model(dropout: 0)
        let pool = WorkerPool(workerCount: 3)
        let pass = TrainingPass(model, pool: pool)
        let gradients = Gradients(model.layout)
        let batch = PackedBatch(ids: [1, 7, 7, 9], tokenTypes: [0, 0, 1, 1], offsets: [0, 2, 4])
        _ = pass.forward(batch, dropoutSeed: nil, step: 0)
        pass.backward(OutputGradients(logits: [1, -2, 3, 0.5, 1, -1]), into: gradients)
        let words = model.layout.slots.embeddings.wordEmbeddings.weight
        let all = model.layout.entries.flatMap { _, slot in
            slot == words ? gradients.wordEmbeddings() : gradients.dense.tensor(slot).values
        }
        let expected = all.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        let optimizer = AdamW(
            model,
            constants: AdamW.Constants(weightDecay: 0, clipNorm: nil),
            pool: pool
        )
        #expect(abs(optimizer.gradientNorm(gradients) - expected) < 1e-9 * expected)
        #expect(optimizer.nonFiniteGradient(gradients) == nil)
    }
}
