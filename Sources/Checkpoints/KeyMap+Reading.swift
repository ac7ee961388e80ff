public import Diagnostics
import Synchronization
public import Tensors

extension KeyMap {
    /// Bytes of a tensor that one worker reads at a time.
    private static let pieceByteCount = 1 << 20

    /// Reads every tensor of a specification to its place, in canonical orientation, as 32-bit floats,
    /// on all processors.
    ///
    /// Nothing is created, dropped or reshaped: tensors that are missing, unexpected, of another
    /// shape or type, or that hold values which are not finite are one `Failure` that names them
    /// all. The places are written only when names, shapes and types are in order.
    ///
    /// - Parameters:
    ///   - specification: canonical names and shapes.
    ///   - ignored: the entries that a rule of the layout passes over.
    ///   - places: memory for each tensor of the specification, in its order; they do not overlap.
    ///   - whenRead: told of each tensor by its number in the specification as soon as all of it is in
    ///     its place and finite, on whatever thread; they come about in their order.
    /// - Precondition: the map has a row for every name of the specification.
    public func read(
        _ specification: [(name: String, leaf: Shape)],
        from store: any TensorStore,
        ignoring ignored: Set<String> = [],
        into places: [UnsafeMutableBufferPointer<Float>],
        whenRead: (@Sendable (_ index: Int) -> Void)? = nil
    ) throws(Failure) {
        var problems = Problems()
        let sources = match(specification, with: store, ignoring: ignored, &problems)
        // What is of another shape or type is reported with the values of the rest.
        let pieces = zip(sources, places).compactMap { source, place in
            source.map { source in
                precondition(place.count == source.entry.shape.count, "no room for \(source.entry)")
                return Self.pieces(source, in: store, place)
            }
        }
        .flatMap(\.self)
        var piecesLeft = [Int](repeating: 0, count: specification.count)
        for piece in pieces { piecesLeft[piece.source.index] += 1 }
        let state = Mutex<(nonFinite: [Int: (Int, Float)], piecesLeft: [Int], failure: Failure?)>(
            ([:], piecesLeft, nil)
        )
        // Safe: the pieces lie apart.
        nonisolated(unsafe) let tasks = pieces
        Workers.run(tasks.count) { index, scratch in
            guard state.withLock({ $0.failure == nil }) else { return }
            do throws(Failure) {
                let piece = tasks[index]
                let tensor = piece.source.index
                let nonFinite = try piece.read(from: store, scratch)
                let isRead = state.withLock { state in
                    if let nonFinite,
                        state.nonFinite[tensor].map({ $0.0 > nonFinite.index }) ?? true
                    {
                        state.nonFinite[tensor] = nonFinite
                    }
                    state.piecesLeft[tensor] -= 1
                    return state.piecesLeft[tensor] == 0 && state.nonFinite[tensor] == nil
                }
                if isRead { whenRead?(tensor) }
            } catch {
                state.withLock { $0.failure = $0.failure ?? error }
            }
        }
        let (nonFinite, _, failure) = state.withLock { $0 }
        if let failure { throw failure }
        for source in sources.compactMap(\.self) {
            guard let (index, value) = nonFinite[source.index] else { continue }
            problems.nonFinite.append(
                "\(printable(source.entry.name)) at \(source.entry.shape.position(of: index)) is "
                    + "\(value)"
            )
        }
        if let failure = problems.failure(store.source) { throw failure }
    }

    /// The entry of each tensor of a specification; nil where there is none that fits.
    private func match(
        _ specification: [(name: String, leaf: Shape)],
        with store: any TensorStore,
        ignoring ignored: Set<String>,
        _ problems: inout Problems
    ) -> [Source?] {
        let rowByName = Dictionary(uniqueKeysWithValues: rows.map { ($0.canonical, $0) })
        let entryByName = Dictionary(store.entries.map { ($0.name, $0) }) { first, _ in first }
        var used = ignored
        let sources = specification.enumerated().map { index, wanted -> Source? in
            let (name, shape) = wanted
            guard let row = rowByName[name] else { preconditionFailure("no row for \(name)") }
            used.insert(row.stored)
            guard let entry = entryByName[row.stored] else {
                problems.missing.append(
                    row.stored == name ? name : "\(name) (stored as \(row.stored))"
                )
                return nil
            }
            guard let expected = row.transform.stored(shape), entry.shape == expected else {
                let expected = row.transform.stored(shape)
                var line = "\(printable(row.stored)) is \(entry.shape), must be "
                line += "\(expected ?? shape)"
                if entry.shape.dimensions == expected?.dimensions.reversed() {
                    line += " (it is transposed)"
                }
                problems.misshaped.append(line)
                return nil
            }
            guard entry.elementType.isFloat else {
                problems.mistyped.append(
                    "\(printable(row.stored)) is \(entry.elementType.rawValue)"
                )
                return nil
            }
            return Source(index: index, entry: entry, transform: row.transform, shape: shape)
        }
        for entry in store.entries where !used.contains(entry.name) {
            problems.unexpected.append("\(printable(entry.name)) \(entry.shape)")
        }
        return sources
    }

    /// What a tensor of a specification is read from.
    private struct Source {
        let index: Int
        let entry: TensorEntry
        let transform: Transform
        /// The canonical shape.
        let shape: Shape
    }

    private static func pieces(
        _ source: Source,
        in store: any TensorStore,
        _ place: UnsafeMutableBufferPointer<Float>
    ) -> [Piece] {
        let count = place.count
        let isWhole = source.transform.isTransposing || store.extent(of: source.entry) == nil
        let step = isWhole ? max(1, count) : pieceByteCount / source.entry.elementType.byteCount
        return stride(from: 0, to: count, by: step).map { start in
            let elements = start..<min(count, start + step)
            return Piece(
                source: source,
                elements: elements,
                place: UnsafeMutableBufferPointer(rebasing: place[elements])
            )
        }
    }

    /// A stretch of a stored tensor, and where it goes.
    private struct Piece {
        let source: Source
        /// In the order they are stored in.
        let elements: Range<Int>
        let place: UnsafeMutableBufferPointer<Float>

        /// - Returns: the first value that is not finite, by its number in the stored tensor.
        func read(
            from store: any TensorStore,
            _ scratch: Scratch
        ) throws(Failure) -> (index: Int, value: Float)? {
            let type = source.entry.elementType
            let isTransposing = source.transform.isTransposing
            let floats = isTransposing ? scratch.floats(count: place.count) : place
            let bytes =
                type == .float32
                ? UnsafeMutableRawBufferPointer(floats)
                : scratch.bytes(.stored, count: place.count * type.byteCount)
            if let extent = store.extent(of: source.entry) {
                let offset = extent.offset + elements.lowerBound * type.byteCount
                try extent.file.read(at: offset, into: bytes)
            } else {
                try store.read(source.entry, into: bytes)
            }
            if type != .float32 { type.decode(UnsafeRawBufferPointer(bytes), into: floats) }
            if isTransposing {
                ElementType.float32.transpose(
                    UnsafeRawBufferPointer(floats),
                    into: UnsafeMutableRawBufferPointer(place),
                    rows: source.shape[1],
                    columns: source.shape[0]
                )
            }
            return UnsafeBufferPointer(floats).firstNonFiniteIndex.map {
                (elements.lowerBound + $0, floats[$0])
            }
        }
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

extension UnsafeBufferPointer<Float> {
    /// The first element that is NaN or infinite.
    var firstNonFiniteIndex: Int? {
        // Adding one to an exponent of all ones carries into the sign's place; without a branch the
        // loop is vectorised.
        var carry: UInt32 = 0
        for index in indices {
            carry |= (self[index].bitPattern & 0x7F80_0000) &+ 0x0080_0000
        }
        return carry & 0x8000_0000 == 0 ? nil : firstIndex { !$0.isFinite }
    }
}

extension Tensor {
    /// The first element that is NaN or infinite.
    public var firstNonFiniteIndex: Int? {
        values.withUnsafeBufferPointer(\.firstNonFiniteIndex)
    }
}
