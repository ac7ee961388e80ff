import Bert
import Diagnostics
import Tensors

extension CompressedModel {
    /// Whether a parameter is stored as int8: the matrices of the layers, of the pooler and of a head's
    /// transformations, and the tables of words and positions. Biases, normalisations, token types and
    /// the matrices that give the answers are a small part of any model, and stay.
    static func isRounded(_ name: String, _ shape: Shape) -> Bool {
        guard shape.rank == 2 else { return false }
        let kept = [
            "embeddings.token_type_embeddings.", "classifier.", "qa_outputs.",
            "cls.seq_relationship.", "discriminator_predictions.dense_prediction.",
        ]
        return !kept.contains { name.hasPrefix($0) }
    }

    /// Rounds matrices to int8, a scale for each row.
    mutating func roundToInt8() {
        var matrices: [String: Int8Matrix] = [:]
        parameters = parameters.map { name, tensor in
            guard Self.isRounded(name, tensor.shape) else { return tensor }
            let matrix = Int8Matrix(rounding: tensor)
            matrices[name] = matrix
            return matrix.tensor
        }
        self.matrices = matrices
    }

    /// Rounds what is no int8 to a floating-point type, to nearest even.
    ///
    /// - Parameter source: the model as the user spelled it.
    /// - Throws: `badData` for values that the type cannot hold.
    mutating func round(to type: ElementType, source: String) throws(Failure) {
        let matrices = matrices
        parameters = try parameters.map { (name, tensor) throws(Failure) in
            guard matrices[name] == nil else { return tensor }
            let (rounded, narrowing) = tensor.rounded(to: type)
            guard narrowing.overflowCount == 0 else {
                throw Failure(
                    .badData,
                    source,
                    "\(narrowing.overflowCount) values of \(printable(name)) are too large for "
                        + type.rawValue,
                    remedy: type == .float16 ? "Use --dtype bf16" : nil
                )
            }
            return rounded
        }
        for name in parameters.leaves.map(\.name) { elementTypes[name] = type }
    }
}

extension Tensor {
    /// The values as a type holds them, and what that cost.
    fileprivate func rounded(to type: ElementType) -> (Tensor, Narrowing) {
        var narrowing = Narrowing()
        let rounded = [Float](unsafeUninitializedCapacity: values.count) { buffer, count in
            let bytes = UnsafeMutableRawBufferPointer.allocate(
                byteCount: values.count * type.byteCount,
                alignment: 64
            )
            defer { bytes.deallocate() }
            let target = UnsafeMutableBufferPointer(rebasing: buffer[..<values.count])
            narrowing = values.withUnsafeBufferPointer { type.encode($0, into: bytes) }
            type.decode(UnsafeRawBufferPointer(bytes), into: target)
            count = values.count
        }
        return (Tensor(shape: shape, values: rounded), narrowing)
    }
}
