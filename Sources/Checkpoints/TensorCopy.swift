public import Diagnostics
import Synchronization
public import Tensors

/// Carries tensors from stores to a sink, tensor by tensor and large ones in pieces, on all
/// processors; memory is needed for the pieces alone.
public struct TensorCopy: Sendable {
    public struct Item: Sendable {
        let store: any TensorStore
        let entry: TensorEntry
        /// How the source stores the canonical tensor, and how the target is to.
        let reading: KeyMap.Transform
        let writing: KeyMap.Transform
        /// The name, shape and type in the target.
        public let target: TensorEntry

        /// - Precondition: the source's elements are floats, or the types are equal.
        public init(
            from store: any TensorStore,
            _ entry: TensorEntry,
            reading: KeyMap.Transform,
            writing: KeyMap.Transform,
            to target: TensorEntry
        ) {
            precondition(entry.shape.count == target.shape.count, "\(target.name) of another size")
            self.store = store
            self.entry = entry
            self.reading = reading
            self.writing = writing
            self.target = target
        }

        /// Whether rows become columns on the way.
        public var isTransposing: Bool { reading.isTransposing != writing.isTransposing }

        /// The same on its way to another name.
        public func renamed(_ name: String) -> Item {
            Item(
                from: store,
                entry,
                reading: reading,
                writing: writing,
                to: TensorEntry(
                    name: name,
                    shape: target.shape,
                    elementType: target.elementType
                )
            )
        }

        /// The source's elements as the matrix that is transposed.
        fileprivate var matrix: (rows: Int, columns: Int) {
            let canonical = reading.canonical(entry.shape) ?? entry.shape
            return reading.isTransposing
                ? (canonical[1], canonical[0]) : (canonical[0], canonical[1])
        }
    }

    /// A stretch of a written tensor and the digest of its bytes.
    struct Piece: Sendable {
        let name: String
        let offset: Int
        let byteCount: Int
        let digest: UInt64
    }

    /// What was written.
    public struct Result: Sendable {
        public fileprivate(set) var narrowing: [String: Narrowing] = [:]
        /// How many values of the source are NaN or infinite, by the target's name, where any are.
        public fileprivate(set) var nonFinite: [String: Int] = [:]
        fileprivate(set) var pieces: [Piece] = []
    }

    /// The bytes of a target that are made at a time.
    static let pieceByteCount = 4 << 20

    /// Copies every item.
    ///
    /// - Parameter progress: called with the bytes written so far, from any thread.
    public static func run(
        _ items: [Item],
        to sink: any TensorSink,
        progress: @Sendable (_ byteCount: Int) -> Void = { _ in }
    ) throws(Failure) -> Result {
        var tasks: [(item: Item, elements: Range<Int>)] = []
        for item in items {
            let count = item.target.shape.count
            let isWhole =
                item.isTransposing || sink.wantsWholeTensors
                || item.store.extent(of: item.entry) == nil
            let step = isWhole ? max(count, 1) : pieceByteCount / item.target.elementType.byteCount
            for start in stride(from: 0, to: max(count, 1), by: step) {
                tasks.append((item, start..<min(count, start + step)))
            }
        }
        // Long tasks first, so that no processor is left with one at the end.
        tasks.sort { $0.elements.count > $1.elements.count }
        let state = Mutex<(result: Result, failure: Failure?, byteCount: Int)>((Result(), nil, 0))
        let ordered = tasks
        Workers.run(ordered.count, upTo: sink.wantsWholeTensors ? 1 : 8) { index, scratch in
            guard state.withLock({ $0.failure == nil }) else { return }
            let (item, elements) = ordered[index]
            do throws(Failure) {
                let (piece, narrowing, nonFinite) = try copy(item, elements, to: sink, scratch)
                let done = state.withLock { state in
                    state.result.pieces.append(piece)
                    if narrowing != Narrowing() {
                        state.result.narrowing[piece.name, default: Narrowing()] += narrowing
                    }
                    if nonFinite > 0 { state.result.nonFinite[piece.name, default: 0] += nonFinite }
                    state.byteCount += piece.byteCount
                    return state.byteCount
                }
                progress(done)
            } catch {
                state.withLock { $0.failure = $0.failure ?? error }
            }
        }
        let (result, failure, _) = state.withLock { $0 }
        if let failure { throw failure }
        return result
    }

    /// Reads what was written and compares it: every tensor with its shape and type, every piece by
    /// its digest.
    ///
    /// - Parameter store: the target, opened again.
    public static func verify(
        _ result: Result,
        of items: [Item],
        in store: any TensorStore
    ) throws(Failure) {
        let entries = Dictionary(store.entries.map { ($0.name, $0) }) { first, _ in first }
        for item in items {
            guard let entry = entries[item.target.name], entry.shape == item.target.shape,
                entry.elementType == item.target.elementType
            else {
                throw Failure(
                    .inputOutput,
                    store.source,
                    "the tensor \"\(printable(item.target.name))\" did not come back as it was "
                        + "written"
                )
            }
        }
        let failures = Mutex<Failure?>(nil)
        let pieces = result.pieces
        Workers.run(pieces.count) { index, scratch in
            let piece = pieces[index]
            guard failures.withLock({ $0 == nil }), let entry = entries[piece.name] else { return }
            do throws(Failure) {
                let buffer = scratch.bytes(.stored, count: piece.byteCount)
                if let extent = store.extent(of: entry) {
                    try extent.file.read(at: extent.offset + piece.offset, into: buffer)
                } else {
                    try store.read(entry, into: buffer)
                }
                guard ValueSummary.digest(0, UnsafeRawBufferPointer(buffer)) == piece.digest else {
                    throw Failure(
                        .inputOutput,
                        store.source,
                        "the tensor \"\(printable(piece.name))\" did not come back as it was written"
                    )
                }
            } catch {
                failures.withLock { $0 = $0 ?? error }
            }
        }
        if let failure = failures.withLock({ $0 }) { throw failure }
    }

    private static func copy(
        _ item: Item,
        _ elements: Range<Int>,
        to sink: any TensorSink,
        _ scratch: Scratch
    ) throws(Failure) -> (Piece, Narrowing, nonFinite: Int) {
        let (sourceType, targetType) = (item.entry.elementType, item.target.elementType)
        var bytes = try read(item, elements, scratch)
        var narrowing = Narrowing()
        let nonFinite =
            sourceType.isFloat ? sourceType.nonFiniteCount(UnsafeRawBufferPointer(bytes)) : 0
        if sourceType != targetType {
            let converted = scratch.bytes(
                .converted,
                count: elements.count * targetType.byteCount
            )
            let floats: UnsafeBufferPointer<Float>
            if sourceType == .float32 {
                floats = UnsafeBufferPointer(bytes.assumingMemoryBound(to: Float.self))
            } else {
                let decoded = scratch.floats(count: elements.count)
                sourceType.decode(UnsafeRawBufferPointer(bytes), into: decoded)
                floats = UnsafeBufferPointer(decoded)
            }
            narrowing = targetType.encode(floats, into: converted)
            if sourceType == .float64 {
                let decoded = UnsafeRawBufferPointer(floats)
                narrowing.overflowCount += ElementType.float32.nonFiniteCount(decoded) - nonFinite
            }
            bytes = converted
        }
        if item.isTransposing {
            let transposed = scratch.bytes(.transposed, count: bytes.count)
            let (rows, columns) = item.matrix
            targetType.transpose(
                UnsafeRawBufferPointer(bytes),
                into: transposed,
                rows: rows,
                columns: columns
            )
            bytes = transposed
        }
        let raw = UnsafeRawBufferPointer(bytes)
        let offset = elements.lowerBound * targetType.byteCount
        try sink.write(raw, to: item.target.name, at: offset)
        let piece = Piece(
            name: item.target.name,
            offset: offset,
            byteCount: raw.count,
            digest: ValueSummary.digest(0, raw)
        )
        return (piece, narrowing, nonFinite)
    }

    private static func read(
        _ item: Item,
        _ elements: Range<Int>,
        _ scratch: Scratch
    ) throws(Failure) -> UnsafeMutableRawBufferPointer {
        let width = item.entry.elementType.byteCount
        let buffer = scratch.bytes(.stored, count: elements.count * width)
        if let extent = item.store.extent(of: item.entry) {
            try extent.file.read(at: extent.offset + elements.lowerBound * width, into: buffer)
        } else {
            try item.store.read(item.entry, into: buffer)
        }
        return buffer
    }
}
