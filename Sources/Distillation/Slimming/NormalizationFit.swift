import Bert
import Kernels
import Tensors
import Training

/// Fits a student's layer normalisations to a teacher's hidden states.
///
/// A student's layer normalisation sees fewer dimensions, so its mean and variance are others. Weight
/// and bias of the embeddings' and of each layer's last one are therefore set, from the first on, to
/// the least-squares line of each component from what the student normalises to what the teacher's
/// state is in the student's directions, over the tokens of a sample.
struct NormalizationFit {
    let teacher: BertInference
    let basis: Tensor
    let batches: [TrainingBatch]
    let pool: WorkerPool

    /// - Parameter states: by the student's hidden state, from 0, the teacher's.
    func fit(_ student: BertModel, to states: [Int]) {
        let slots = student.layout.slots
        let norms = [slots.embeddings.layerNorm] + slots.encoder.layer.map(\.output.layerNorm)
        let inference = BertInference(student, pool: pool, packing: false)
        for (state, norm) in norms.enumerated() {
            let (weight, bias) = (
                student.weights.pointer(norm.weight), student.weights.pointer(norm.bias)
            )
            let size = norm.weight.shape.count
            weight.update(repeating: 1, count: size)
            bias.update(repeating: 0, count: size)
            for (index, line) in lines(inference, state, states[state]).enumerated() {
                weight[index] = Float(line.slope)
                bias[index] = Float(line.offset)
            }
        }
    }

    /// By component, the line from the student's state to the teacher's.
    private func lines(
        _ student: BertInference,
        _ state: Int,
        _ teacherState: Int
    ) -> [(slope: Double, offset: Double)] {
        let size = basis.shape[0]
        var sums = [Sums](repeating: Sums(), count: size)
        let (memory, teacherMemory) = (IntermediateMemory(), IntermediateMemory())
        for batch in batches {
            let own = student.intermediate(
                batch.sequences,
                IntermediateSelection(hiddenStates: [state]),
                in: memory
            ).hiddenStates[state]
            let other = teacher.intermediate(
                batch.sequences,
                IntermediateSelection(hiddenStates: [teacherState]),
                in: teacherMemory
            ).hiddenStates[teacherState]
            guard let own, let other else { preconditionFailure("a hidden state is missing") }
            let target = project(other, basis, pool)
            for row in 0..<own.rows {
                for column in 0..<size {
                    sums[column].add(
                        Double(own.base[row * own.stride + column]),
                        Double(target.base[row * size + column])
                    )
                }
            }
        }
        return sums.map(\.line)
    }

    private struct Sums {
        var (count, x, y, xx, xy) = (0.0, 0.0, 0.0, 0.0, 0.0)

        mutating func add(_ x: Double, _ y: Double) {
            count += 1
            self.x += x
            self.y += y
            xx += x * x
            xy += x * y
        }

        var line: (slope: Double, offset: Double) {
            let variance = xx - x * x / count
            let slope = variance > 1e-12 * xx ? (xy - x * y / count) / variance : 0
            return (slope, (y - slope * x) / count)
        }
    }
}
