public import Diagnostics
import Glibc
import Synchronization
public import Tensors

/// Looks at every value of a store, on all processors, with a small buffer each.
public enum TensorScan {
    private static let pieceByteCount = 256 << 10

    /// What the values of every float tensor have in common, by name.
    public static func run(
        _ store: any TensorStore
    ) throws(Failure) -> [String: ValueSummary] {
        // Long ones first, so that no processor is left with one at the end.
        let entries = store.entries.filter { $0.elementType.isFloat }
            .sorted { $0.byteCount > $1.byteCount }
        let state = Mutex<(summaries: [String: ValueSummary], failure: Failure?)>(([:], nil))
        Workers.run(entries.count) { index, scratch in
            guard state.withLock({ $0.failure == nil }) else { return }
            let entry = entries[index]
            do throws(Failure) {
                let summary = try summarize(entry, in: store, scratch)
                state.withLock { $0.summaries[entry.name] = summary }
            } catch {
                state.withLock { $0.failure = $0.failure ?? error }
            }
        }
        let (summaries, failure) = state.withLock { $0 }
        if let failure { throw failure }
        return summaries
    }

    /// Whether two tensors of a store have the same elements, byte for byte, as they are stored.
    ///
    /// - Returns: `nil` when that says nothing, because they are stored in different types or shapes.
    public static func areEqual(
        _ one: TensorEntry,
        _ other: TensorEntry,
        in store: any TensorStore
    ) throws(Failure) -> Bool? {
        guard one.shape == other.shape, one.elementType == other.elementType else { return nil }
        guard let first = store.extent(of: one), let second = store.extent(of: other) else {
            return try digest(one, in: store) == digest(other, in: store)
        }
        // A hard link.
        if first.file.path == second.file.path, first.offset == second.offset { return true }
        let bytes = UnsafeMutableRawBufferPointer.allocate(
            byteCount: 2 * pieceByteCount,
            alignment: 64
        )
        defer { bytes.deallocate() }
        for offset in stride(from: 0, to: one.byteCount, by: pieceByteCount) {
            let count = min(pieceByteCount, one.byteCount - offset)
            let left = UnsafeMutableRawBufferPointer(rebasing: bytes[..<count])
            let right = UnsafeMutableRawBufferPointer(rebasing: bytes[count..<2 * count])
            try first.file.read(at: first.offset + offset, into: left)
            try second.file.read(at: second.offset + offset, into: right)
            guard memcmp(left.baseAddress!, right.baseAddress!, count) == 0 else { return false }
        }
        return true
    }

    private static func digest(
        _ entry: TensorEntry,
        in store: any TensorStore
    ) throws(Failure) -> UInt64 {
        let bytes = UnsafeMutableRawBufferPointer.allocate(
            byteCount: entry.byteCount,
            alignment: 64
        )
        defer { bytes.deallocate() }
        try store.read(entry, into: bytes)
        return ValueSummary.digest(0, UnsafeRawBufferPointer(bytes))
    }

    private static func summarize(
        _ entry: TensorEntry,
        in store: any TensorStore,
        _ scratch: Scratch
    ) throws(Failure) -> ValueSummary {
        var summary = ValueSummary()
        let extent = store.extent(of: entry)
        let size = extent == nil ? entry.byteCount : min(entry.byteCount, pieceByteCount)
        guard size > 0 else { return summary }
        let bytes = scratch.bytes(.stored, count: size)
        let width = entry.elementType.byteCount
        let isConverted = entry.elementType != .float32
        for offset in stride(from: 0, to: entry.byteCount, by: size) {
            let count = min(size, entry.byteCount - offset)
            let piece = UnsafeMutableRawBufferPointer(start: bytes.baseAddress, count: count)
            if let extent {
                try extent.file.read(at: extent.offset + offset, into: piece)
            } else {
                try store.read(entry, into: piece)
            }
            let raw = UnsafeRawBufferPointer(piece)
            if isConverted {
                let values = scratch.floats(count: count / width)
                entry.elementType.decode(raw, into: values)
                summary.add(UnsafeBufferPointer(values), bytes: raw)
            } else {
                summary.add(
                    UnsafeBufferPointer(
                        start: raw.baseAddress?.assumingMemoryBound(to: Float.self),
                        count: count / width
                    ),
                    bytes: raw
                )
            }
        }
        return summary
    }
}
