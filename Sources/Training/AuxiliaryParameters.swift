public import Kernels
import Randomness
public import Tensors

/// Matrices that are trained beside a model but are no part of it: the projections of a distillation
/// from the student's width to the teacher's.
///
/// They belong to the training state: the optimizer updates them, their gradients count in the global
/// norm, and no model folder ever has them.
///
/// A class because its identity is the memory.
public final class AuxiliaryParameters: @unchecked Sendable {
    /// One linear layer: `weight` `[output, input]`, and `bias` `[output]` if it has one.
    public struct Specification: Sendable, Hashable {
        public var name: String
        public var input: Int
        public var output: Int
        public var hasBias: Bool

        public init(name: String, input: Int, output: Int, hasBias: Bool) {
            (self.name, self.input, self.output) = (name, input, output)
            self.hasBias = hasBias
        }

        fileprivate var count: Int { (input * output + output + 15) / 16 * 16 }
    }

    public let specifications: [Specification]
    private let offsets: [Int]
    let weights: FloatBuffer
    let gradients: FloatBuffer
    let first: FloatBuffer
    let second: FloatBuffer

    /// Weights from N(0, `deviation`), biases zero.
    public init(_ specifications: [Specification], deviation: Double, seed: UInt64) {
        self.specifications = specifications
        var offsets = [0]
        for specification in specifications {
            offsets.append(offsets[offsets.count - 1] + specification.count)
        }
        self.offsets = offsets
        let count = offsets[offsets.count - 1]
        weights = FloatBuffer(count: count)
        gradients = FloatBuffer(count: count)
        first = FloatBuffer(count: count)
        second = FloatBuffer(count: count)
        for (index, specification) in specifications.enumerated() {
            // Streams far from those of a model's parameters.
            let stream = UInt32(1 << 20 + index)
            var random = Philox(seed: seed, purpose: .initialization, index: stream)
            for element in 0..<specification.input * specification.output {
                weights.base[offsets[index] + element] = Float(deviation * random.nextNormal())
            }
        }
    }

    /// A layer as it computes.
    public func linear(_ index: Int) -> Linear { view(weights, index) }

    /// The gradient of a layer.
    public func gradient(_ index: Int) -> Linear { view(gradients, index) }

    /// A layer's weight as it stands, `[output, input]`.
    public func weight(_ index: Int) -> Tensor {
        let specification = specifications[index]
        let count = specification.output * specification.input
        return Tensor(
            shape: [specification.output, specification.input],
            values: Array(UnsafeBufferPointer(start: weights.base + offsets[index], count: count))
        )
    }

    /// Takes over the weights of layers of the same name and shape.
    public func copyWeights(from other: AuxiliaryParameters) {
        for (index, specification) in specifications.enumerated() {
            guard let source = other.specifications.firstIndex(of: specification) else { continue }
            (weights.base + offsets[index]).update(
                from: other.weights.base + other.offsets[source],
                count: specification.count
            )
        }
    }

    private func view(_ buffer: FloatBuffer, _ index: Int) -> Linear {
        let specification = specifications[index]
        let base = buffer.base + offsets[index]
        return Linear(
            weight: base,
            bias: base + specification.input * specification.output,
            output: specification.output,
            input: specification.input
        )
    }

    /// What the optimizer updates: weights decay, biases do not; a bias that a layer does not have
    /// stays zero, because nothing gives it a gradient.
    var segments: [(range: Range<Int>, decays: Bool)] {
        specifications.enumerated().flatMap { index, specification in
            let start = offsets[index]
            let end = start + specification.input * specification.output
            let weight = (start..<end, true)
            return specification.hasBias
                ? [weight, (end..<end + specification.output, false)] : [weight]
        }
    }

    /// Whose gradient the element is.
    func name(at element: Int) -> String {
        let index = offsets.lastIndex { $0 <= element } ?? 0
        return "projection \(specifications[min(index, specifications.count - 1)].name)"
    }
}
