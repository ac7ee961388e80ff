public import Diagnostics
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
