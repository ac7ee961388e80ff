public import Diagnostics
public import Tensors

extension KeyMap {
    /// Reads every tensor of a specification from a store, in canonical orientation.
    ///
    /// Nothing is created, dropped or reshaped: tensors that are missing, unexpected, of another
    /// shape or type, or that hold values which are not finite are one `Failure` that names them
    /// all.
    ///
    /// - Parameters:
    ///   - specification: canonical names and shapes.
    ///   - ignored: the entries that a rule of the layout passes over.
    /// - Precondition: the map has a row for every name of the specification.
    public func collect(
        _ specification: [(name: String, leaf: Shape)],
        from store: any TensorStore,
        ignoring ignored: Set<String> = []
    ) throws(Failure) -> [String: Tensor] {
        let rowByName = Dictionary(uniqueKeysWithValues: rows.map { ($0.canonical, $0) })
        let entryByName = Dictionary(store.entries.map { ($0.name, $0) }) { first, _ in first }
        var problems = Problems()
        var used = ignored
        var tensors: [String: Tensor] = [:]
        tensors.reserveCapacity(specification.count)
        for (name, shape) in specification {
            guard let row = rowByName[name] else {
                preconditionFailure("no row for \(name)")
            }
            used.insert(row.stored)
            guard let entry = entryByName[row.stored] else {
                problems.missing.append(
                    row.stored == name ? name : "\(name) (stored as \(row.stored))"
                )
                continue
            }
            guard let expected = row.transform.stored(shape), entry.shape == expected else {
                let expected = row.transform.stored(shape)
                var line = "\(printable(row.stored)) is \(entry.shape), must be "
                line += "\(expected ?? shape)"
                if entry.shape.dimensions == expected?.dimensions.reversed() {
                    line += " (it is transposed)"
                }
                problems.misshaped.append(line)
                continue
            }
            guard entry.elementType.isFloat else {
                problems.mistyped.append(
                    "\(printable(row.stored)) is \(entry.elementType.rawValue)"
                )
                continue
            }
            let stored = try store.tensor(entry)
            if let index = stored.firstNonFiniteIndex {
                problems.nonFinite.append(
                    "\(printable(row.stored)) at \(stored.shape.position(of: index)) is "
                        + "\(stored.values[index])"
                )
                continue
            }
            tensors[name] = row.transform.canonical(stored)
        }
        for entry in store.entries where !used.contains(entry.name) {
            problems.unexpected.append("\(printable(entry.name)) \(entry.shape)")
        }
        if let failure = problems.failure(store.source) { throw failure }
        return tensors
    }

    private struct Problems {
        var missing: [String] = []
        var unexpected: [String] = []
        var misshaped: [String] = []
        var mistyped: [String] = []
        var nonFinite: [String] = []

        func failure(_ source: String) -> Failure? {
            let parts = [
                ("missing", missing), ("unexpected", unexpected), ("of another shape", misshaped),
                ("not of a float type", mistyped), ("with values that are not finite", nonFinite),
            ]
            let found = parts.filter { !$0.1.isEmpty }
            guard !found.isEmpty else { return nil }
            let lists = found.map { kind, names in
                "\(names.count) \(kind): \(listing(names))"
            }
            return Failure(
                .badData,
                source,
                "the tensors do not fit the configuration: " + lists.joined(separator: "; ")
            )
        }
    }
}

extension Shape {
    /// The coordinates of an element, `[3, 17]`.
    func position(of index: Int) -> Shape {
        var rest = index
        var coordinates = dimensions
        for axis in dimensions.indices.reversed() {
            coordinates[axis] = rest % dimensions[axis]
            rest /= dimensions[axis]
        }
        return Shape(coordinates)
    }
}

extension Tensor {
    /// The first element that is NaN or infinite.
    public var firstNonFiniteIndex: Int? {
        let isFinite = values.withUnsafeBufferPointer { values in
            // Adding one to an exponent of all ones carries into the sign's place; without a
            // branch the loop is vectorised.
            var carry: UInt32 = 0
            for index in values.indices {
                carry |= (values[index].bitPattern & 0x7F80_0000) &+ 0x0080_0000
            }
            return carry & 0x8000_0000 == 0
        }
        return isFinite ? nil : values.firstIndex { !$0.isFinite }
    }
}
