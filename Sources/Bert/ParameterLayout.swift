public import Diagnostics
import Foundation
import Kernels
public import Tensors

/// Where one parameter lies in an arena.
public struct ParameterSlot: Sendable, Hashable {
    public let offset: Int
    public let shape: Shape

    public init(offset: Int, shape: Shape) {
        (self.offset, self.shape) = (offset, shape)
    }

    public var range: Range<Int> { offset..<offset + shape.count }
}

/// The places of all parameters in one stretch of memory.
///
/// Word embeddings come first, because their gradient is sparse and everything after them is dense.
/// A layer's query, key and value weights are neighbours, so that one product computes all three;
/// so are their biases.
public struct ParameterLayout: Sendable {
    public let configuration: BertConfiguration
    public let slots: BertParameters<ParameterSlot>
    /// Every parameter by canonical name, in model order.
    public let entries: [(name: String, slot: ParameterSlot)]
    /// Floats in the arena.
    public let count: Int
    /// Where the dense part starts: behind the word embeddings.
    public let denseStart: Int

    /// - Parameter specification: nil for what the configuration demands.
    public init(
        _ configuration: BertConfiguration,
        _ specification: BertParameters<Shape>? = nil
    ) {
        self.configuration = configuration
        let specification = specification ?? BertParameters<Shape>(configuration)
        let shapes = Dictionary(
            uniqueKeysWithValues: specification.leaves.map { ($0.name, $0.leaf) }
        )
        var offsets: [String: Int] = [:]
        var end = 0
        func place(_ names: [String]) {
            end = (end + 15) / 16 * 16
            for name in names {
                guard let shape = shapes[name] else { preconditionFailure("no parameter \(name)") }
                offsets[name] = end
                end += shape.count
            }
        }
        let projections = ["query", "key", "value"]
        for name in specification.leaves.map(\.name) where offsets[name] == nil {
            if let range = name.range(of: ".attention.self.") {
                let prefix = String(name[..<range.upperBound])
                place(projections.map { "\(prefix)\($0).weight" })
                place(projections.map { "\(prefix)\($0).bias" })
            } else {
                place([name])
            }
        }
        slots = specification.map { name, shape in
            guard let offset = offsets[name] else { preconditionFailure("no place for \(name)") }
            return ParameterSlot(offset: offset, shape: shape)
        }
        entries = slots.leaves.map { ($0.name, $0.leaf) }
        count = (end + 15) / 16 * 16
        denseStart = (slots.embeddings.wordEmbeddings.weight.range.upperBound + 15) / 16 * 16
    }

    /// The name of the parameter that owns element `index` of the arena.
    public func name(at index: Int) -> String? {
        entries.first { $0.slot.range.contains(index) }?.name
    }
}

extension BertConfiguration {
    /// Refuses a model whose weights are more than the memory there is.
    ///
    /// - Throws: `Failure` of kind `.limit`.
    public func checkFits(_ subject: String) throws(Failure) {
        let count = BertParameters<Shape>(self).leaves.reduce(0) { $0 + $1.leaf.count }
        try MemoryLimit.check(4 * count, subject, "the model's weights take")
    }
}

/// Memory laid out for all parameters: the weights, their gradients, or a moment.
///
/// A class because its identity is the memory.
public final class ParameterBuffer: @unchecked Sendable {
    public let layout: ParameterLayout
    private let memory: FloatBuffer

    /// All zero; pages are only taken when touched.
    ///
    /// - Parameter touched: how many floats are expected to be; nil for all.
    public init(_ layout: ParameterLayout, touched: Int? = nil) {
        self.layout = layout
        memory = FloatBuffer(count: layout.count, touched: touched)
    }

    /// For a model that is read from a file.
    ///
    /// - Throws: `Failure` of kind `.limit` where the weights alone are more than the memory there is.
    public convenience init(_ layout: ParameterLayout, of path: String) throws(Failure) {
        try layout.configuration.checkFits(path)
        self.init(layout)
    }

    public var base: UnsafeMutablePointer<Float> { memory.base }

    public func pointer(_ slot: ParameterSlot) -> UnsafeMutablePointer<Float> {
        memory.base + slot.offset
    }

    /// Gives the memory of a matrix back to the system; whoever reads it afterwards is stopped.
    func release(_ linear: Linear) {
        let start = linear.weight - base
        memory.release(start..<start + linear.output * linear.input)
    }

    public func copy(from other: ParameterBuffer) {
        precondition(other.layout.count == layout.count)
        base.update(from: other.base, count: layout.count)
    }

    /// Copies one tensor to its place.
    ///
    /// - Precondition: the tensor has the slot's shape.
    public func set(_ slot: ParameterSlot, to tensor: Tensor) {
        precondition(tensor.shape == slot.shape, "\(tensor.shape) for \(slot.shape)")
        tensor.values.withUnsafeBufferPointer { values in
            guard let source = values.baseAddress else { return }
            pointer(slot).update(from: source, count: values.count)
        }
    }

    public func tensor(_ slot: ParameterSlot) -> Tensor {
        Tensor(
            shape: slot.shape,
            values: Array(UnsafeBufferPointer(start: pointer(slot), count: slot.shape.count))
        )
    }
}
