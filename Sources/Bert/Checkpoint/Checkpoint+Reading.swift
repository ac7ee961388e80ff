import Checkpoints
public import Diagnostics
import Foundation
public import Tensors

extension Checkpoint {
    /// Reads the parameters of a specification into memory laid out for at least these, canonical
    /// names and orientation, 32-bit floats.
    ///
    /// - Parameters:
    ///   - shapes: what the model is made of.
    ///   - ignored: stored names that may be there and are not read.
    ///   - whenRead: told of each parameter as soon as it is in its place, on whatever thread.
    /// - Throws: one `Failure` that lists every tensor that is missing, unexpected, mis-shaped or
    ///   not finite; or that a copy of a tied parameter is not equal to it.
    /// - Precondition: the memory has a place of the same shape for each parameter.
    public func read(
        _ shapes: BertParameters<Shape>,
        ignoring ignored: Set<String>,
        into weights: ParameterBuffer,
        whenRead: (@Sendable (_ name: String) -> Void)? = nil
    ) throws(Failure) {
        try checkValues()
        let specification = shapes.leaves
        let wanted = Set(specification.map(\.name))
        let found = tensors.filter { wanted.contains($0.name) }
        let known = Set(found.map(\.name))
        // What the file lacks is looked for under the name it would have in its layout.
        let missing = specification.map(\.name).filter { !known.contains($0) }
        let map = KeyMap(
            rows: found.map {
                KeyMap.Row(canonical: $0.name, stored: $0.entry.name, transform: $0.transform)
            } + missing.map { KeyMap.Row(canonical: $0, stored: $0, transform: .identity) }
        )
        let slots = Dictionary(
            uniqueKeysWithValues: weights.layout.entries.map { ($0.name, $0.slot) }
        )
        let places = specification.map { name, shape in
            guard let slot = slots[name], slot.shape == shape else {
                preconditionFailure("no place for \(name) \(shape)")
            }
            return UnsafeMutableBufferPointer(start: weights.pointer(slot), count: shape.count)
        }
        let names = specification.map(\.name)
        var onRead: (@Sendable (Int) -> Void)?
        if let whenRead { onRead = { index in whenRead(names[index]) } }
        try map.read(
            specification,
            from: store,
            ignoring: ignored.union(copies.map(\.entry.name)),
            into: places,
            whenRead: onRead
        )
        try checkTies(among: wanted)
    }

    /// Reads the model that the checkpoint is, with its own head.
    ///
    /// - Throws: as `read(_:ignoring:into:)`; or why there is no configuration.
    public func loadModel() throws(Failure) -> BertModel {
        guard let configuration else {
            throw configurationProblem
                ?? Failure(.missingInput, url.relativePath, "there is no configuration")
        }
        var shapes = BertParameters<Shape>(configuration)
        // Encoders are kept with a pooler or without.
        if head == .none, self["pooler.dense.weight"] == nil { shapes.pooler = nil }
        let wanted = Set(shapes.leaves.map(\.name))
        let unused = tensors.filter { !wanted.contains($0.name) }.map(\.entry.name)
        let weights = try ParameterBuffer(
            ParameterLayout(configuration, shapes),
            of: url.relativePath
        )
        try read(shapes, ignoring: Set(ignored.map(\.name) + unused), into: weights)
        return BertModel(weights)
    }

    private func tensor(_ stored: StoredTensor) throws(Failure) -> Tensor {
        stored.transform.canonical(try store.tensor(stored.entry))
    }

    /// Compares all values with the checksums that the files hold; nothing where they hold none.
    ///
    /// - Throws: `badData` naming the first that is damaged.
    public func checkValues() throws(Failure) {
        try (store as? any ChecksummedStore)?.checkValues()
    }

    /// Compares the copies of tied parameters with the parameters, bit for bit.
    ///
    /// - Parameter names: the canonical names that matter; `nil` for all.
    /// - Throws: `badData` naming the copies that differ.
    public func checkTies(among names: Set<String>? = nil) throws(Failure) {
        var different: [String] = []
        for copy in copies where names?.contains(copy.name) ?? true {
            guard let original = self[copy.name] else { continue }
            if try !isEqual(original, copy) { different.append(copy.entry.name) }
        }
        guard different.isEmpty else {
            throw Failure(
                .badData,
                store.source,
                "not equal to the tensors they are tied to: "
                    + listing(different.map(printable)),
                remedy: "A decoder of its own is not read"
            )
        }
    }

    private func isEqual(_ one: StoredTensor, _ other: StoredTensor) throws(Failure) -> Bool {
        guard one.shape == other.shape else { return false }
        if one.transform == other.transform,
            let isEqual = try TensorScan.areEqual(one.entry, other.entry, in: store)
        {
            return isEqual
        }
        guard one.entry.elementType.isFloat, other.entry.elementType.isFloat else { return false }
        return try tensor(one).isBitEqual(to: try tensor(other))
    }
}
