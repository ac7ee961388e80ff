import Bert
import Foundation
import Kernels

/// Word rows that wait for the steps they missed.
extension AdamW {
    /// Brings the embedding rows of these word pieces up to date, before a forward pass reads them.
    public func prepare(_ ids: [Int32]) {
        bringUpToDate(Set(ids).map(Int.init).filter { rowSteps[$0] < stepCount })
    }

    /// Brings every parameter up to date, before the model is evaluated or saved.
    public func synchronize() {
        bringUpToDate(rowSteps.indices.filter { rowSteps[$0] < stepCount })
    }

    private func bringUpToDate(_ rows: [Int]) {
        let block = 64
        let count = (rows.count + block - 1) / block
        pool.run(count) { task, worker in
            let part = rows[task * block..<min((task + 1) * block, rows.count)]
            for row in part { catchUp(row) }
            if let recorder = pool.recorder(worker) {
                // Rows that had a gradient have moments; the others' weights only decay.
                let moving = part.count { everTouched[$0] != 0 }
                let floats = (2 * part.count + 4 * moving) * hiddenSize
                recorder.lap(.adamWMissedSteps, floats: floats)
            }
        }
        for row in rows { rowSteps[row] = Int32(stepCount) }
    }

    /// Applies to one row the steps that passed without a gradient for it.
    private func catchUp(_ row: Int) {
        let base = arena.table.slot.offset + row * hiddenSize
        let weight = weights + base
        var step = Int(rowSteps[row])
        if everTouched[row] != 0 {
            let end = min(stepCount, step + replayedSteps)
            AdamWStep.applyIdle(
                idleSteps[step..<end],
                weight: weight,
                first: first.base + base,
                second: second.base + base,
                count: hiddenSize
            )
            let rest = Double(stepCount - end)
            if rest > 0 {
                let (beta1, beta2) = (constants.beta1, constants.beta2)
                Elementwise.scale(first.base + base, by: Float(pow(beta1, rest)), count: hiddenSize)
                Elementwise.scale(
                    second.base + base,
                    by: Float(pow(beta2, rest)),
                    count: hiddenSize
                )
            }
            step = end
        }
        if step < stepCount {
            let factor = exp(logDecay[stepCount] - logDecay[step])
            if factor != 1 { Elementwise.scale(weight, by: Float(factor), count: hiddenSize) }
        }
    }
}
