public import Bert
public import BiLSTM
public import Diagnostics
import Kernels
import Tensors

extension BiLSTMModel {
    /// Takes over a teacher's word embeddings in as many dimensions as there are here: what they have
    /// along the principal directions of their differences from the mean, scaled to the size of new
    /// embeddings.
    ///
    /// - Returns: the share of their variance that is kept, 0…1.
    /// - Throws: `Failure` of kind `.usage` where the teacher's are narrower, of kind `.limit` without
    ///   LAPACK.
    @discardableResult
    public func takeWordEmbeddings(of teacher: BertModel) throws(Failure) -> Double {
        let slot = teacher.layout.slots.embeddings.wordEmbeddings.weight
        var words = teacher.weights.tensor(slot)
        let (rows, width) = (words.shape[0], words.shape[1])
        let wanted = configuration.embeddingSize
        precondition(rows == configuration.vocabularySize, "another vocabulary")
        guard wanted <= width else {
            throw Failure(
                .usage,
                "--init teacher-embeddings",
                "\(wanted) dimensions were asked for, and the teacher's embeddings have \(width)",
                remedy: "Ask for fewer with --embedding, or start with --init random"
            )
        }
        for column in 0..<width {
            var sum = 0.0
            for row in 0..<rows { sum += Double(words.values[row * width + column]) }
            let mean = Float(sum / Double(rows))
            for row in 0..<rows { words.values[row * width + column] -= mean }
        }
        let directions = try PrincipalDirections(ofRows: words, count: wanted)
        var basis = directions.basis
        let reduced = FloatBuffer(count: rows * wanted)
        let target = Matrix(reduced.base, rows: rows, columns: wanted)
        var bias = [Float](repeating: 0, count: wanted)
        words.values.withUnsafeMutableBufferPointer { words in
            basis.values.withUnsafeMutableBufferPointer { basis in
                bias.withUnsafeMutableBufferPointer { bias in
                    guard let x = words.baseAddress, let b = basis.baseAddress,
                        let zero = bias.baseAddress
                    else { return }
                    Linear(weight: b, bias: zero, output: wanted, input: width)
                        .forward(Matrix(x, rows: rows, columns: width), into: target)
                }
            }
        }
        let energy = Elementwise.sumOfSquares(reduced.base, count: reduced.count)
        guard energy > 0 else {
            throw Failure(
                .badData,
                "--init teacher-embeddings",
                "the teacher's word embeddings are all alike",
                remedy: "Start with --init random"
            )
        }
        // Uniform within ±0.25 has the variance 0.25² / 3.
        let scale = (Double(reduced.count) * 0.25 * 0.25 / 3 / energy).squareRoot()
        Elementwise.scale(reduced.base, by: Float(scale), count: reduced.count)
        let values = Array(UnsafeBufferPointer(start: reduced.base, count: reduced.count))
        set("embedding.weight", to: Tensor(shape: [rows, wanted], values: values))
        return directions.energy
    }
}
