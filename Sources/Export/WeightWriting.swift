import Bert
import Checkpoints
import Diagnostics
import Foundation
import Synchronization
import Tensors

/// Puts a model's parameters into the places of an export: what keeps its bits is copied, what loses some is
/// rounded in pieces, several at a time.
struct WeightWriting {
    let source: Checkpoint
    let tensors: [PlannedTensor]

    /// The bytes of single-precision values that a worker takes at a time.
    private static let pieceByteCount = 4 << 20
    /// The values that are rounded and compared at a time, while they are in cache.
    private static let stretch = 16_384

    /// A stretch of a written tensor and the digest of its bytes.
    fileprivate struct Piece {
        let name: String
        let offset: Int
        let byteCount: Int
        let digest: UInt64
    }

    private struct Task {
        let tensor: PlannedTensor
        /// Rows of the parameter, or nil for all of it at once.
        let rows: Range<Int>?
        /// The parameter's, 1 where it is no matrix.
        let columns: Int
        let valueCount: Int
    }

    private struct State {
        var pieces: [Piece] = []
        var largest: Float = 0
        var byteCount = 0
        var nonFiniteCount = 0
        var failure: Failure?
    }

    /// What was copied, to be compared with what is read back.
    struct Result {
        fileprivate let items: [TensorCopy.Item]
        fileprivate let copied: TensorCopy.Result
        fileprivate let pieces: [Piece]
        /// The largest difference of a value from the checkpoint's; 0 where only copies were made.
        let largestDifference: Float
        /// How many values are NaN or infinite, which are copied as they are.
        let nonFiniteCount: Int
    }

    /// Writes every tensor.
    ///
    /// - Throws: `Failure`, `badData` for values that the type cannot hold.
    func run(
        to sink: any TensorSink,
        progress: @escaping @Sendable (Int) -> Void
    ) throws(Failure) -> Result {
        var items: [TensorCopy.Item] = []
        var tasks: [Task] = []
        for tensor in tensors {
            guard let stored = source[tensor.parameter] else {
                throw Failure(
                    .badData,
                    source.store.source,
                    "there is no tensor \"\(printable(tensor.parameter))\""
                )
            }
            if case .values(let type, let isTransposed) = tensor.form,
                type == stored.entry.elementType
            {
                items.append(
                    TensorCopy.Item(
                        from: source.store,
                        stored.entry,
                        reading: stored.transform,
                        writing: isTransposed ? .transpose : .identity,
                        to: TensorEntry(
                            name: tensor.name,
                            shape: tensor.shape,
                            elementType: type
                        )
                    )
                )
            } else {
                tasks += pieces(of: tensor, stored)
            }
        }
        let copied = try TensorCopy.run(items, to: sink, progress: progress)
        let before = items.reduce(0) { $0 + $1.target.byteCount }
        let state = try round(tasks, to: sink) { progress(before + $0) }
        return Result(
            items: items,
            copied: copied,
            pieces: state.pieces,
            largestDifference: state.largest,
            nonFiniteCount: copied.nonFinite.values.reduce(0, +) + state.nonFiniteCount
        )
    }

    /// Compares what is in the file with what was written to it.
    func verify(_ result: Result, in store: ExportedStore) throws(Failure) {
        try TensorCopy.verify(result.copied, of: result.items, in: store)
        let entries = Dictionary(store.entries.map { ($0.name, $0) }) { first, _ in first }
        let failure = Mutex<Failure?>(nil)
        Workers.run(result.pieces.count) { index, scratch in
            guard failure.withLock({ $0 == nil }) else { return }
            let piece = result.pieces[index]
            do throws(Failure) {
                guard let entry = entries[piece.name], let extent = store.extent(of: entry),
                    piece.offset + piece.byteCount <= entry.byteCount
                else { throw changed(piece.name, store) }
                let bytes = scratch.bytes(.stored, count: piece.byteCount)
                try extent.file.read(at: extent.offset + piece.offset, into: bytes)
                guard ValueSummary.digest(0, UnsafeRawBufferPointer(bytes)) == piece.digest else {
                    throw changed(piece.name, store)
                }
            } catch {
                failure.withLock { $0 = $0 ?? error }
            }
        }
        if let failure = failure.withLock({ $0 }) { throw failure }
    }

    private func changed(_ name: String, _ store: ExportedStore) -> Failure {
        Failure(
            .inputOutput,
            store.source,
            "the tensor \"\(printable(name))\" did not come back as it was written"
        )
    }

    /// Long tensors whose rows can be read alone are cut into pieces.
    private func pieces(of tensor: PlannedTensor, _ stored: Checkpoint.StoredTensor) -> [Task] {
        let isCut: Bool
        switch tensor.form {
        case .values(_, let isTransposed): isCut = !isTransposed
        case .blocks: isCut = true
        case .bytes: isCut = false
        }
        guard isCut, stored.transform == .identity, stored.shape.rank == 2,
            source.store.extent(of: stored.entry) != nil
        else {
            return [
                Task(tensor: tensor, rows: nil, columns: 1, valueCount: stored.shape.count)
            ]
        }
        let columns = stored.shape[1]
        let height = max(1, Self.pieceByteCount / (4 * max(1, columns)))
        return stride(from: 0, to: stored.shape[0], by: height).map {
            let rows = $0..<min(stored.shape[0], $0 + height)
            return Task(
                tensor: tensor,
                rows: rows,
                columns: columns,
                valueCount: rows.count * columns
            )
        }
    }

    private func round(
        _ tasks: [Task],
        to sink: any TensorSink,
        progress: @escaping @Sendable (Int) -> Void
    ) throws(Failure) -> State {
        let state = Mutex(State())
        // The long ones first, so that no processor is left with one at the end.
        let tasks = tasks.sorted { $0.valueCount > $1.valueCount }
        Workers.run(tasks.count) { index, scratch in
            guard state.withLock({ $0.failure == nil }) else { return }
            do throws(Failure) {
                let (pieces, largest, nonFiniteCount) = try round(tasks[index], to: sink, scratch)
                let done = state.withLock { state in
                    state.pieces += pieces
                    state.largest = max(state.largest, largest)
                    state.nonFiniteCount += nonFiniteCount
                    state.byteCount += pieces.reduce(0) { $0 + $1.byteCount }
                    return state.byteCount
                }
                progress(done)
            } catch {
                state.withLock { $0.failure = $0.failure ?? error }
            }
        }
        let result = state.withLock { $0 }
        if let failure = result.failure { throw failure }
        return result
    }

    private func round(
        _ task: Task,
        to sink: any TensorSink,
        _ scratch: Scratch
    ) throws(Failure) -> (pieces: [Piece], largest: Float, nonFiniteCount: Int) {
        let tensor = task.tensor
        let values = try values(task, scratch)
        guard let base = values.baseAddress, !values.isEmpty else { return ([], 0, 0) }
        let firstValue = (task.rows?.lowerBound ?? 0) * task.columns
        switch tensor.form {
        case .values(let type, let isTransposed):
            var bytes = scratch.bytes(.converted, count: values.count * type.byteCount)
            var (largest, nonFiniteCount) = (Float(0), 0)
            if type == .float32 {
                nonFiniteCount = ElementType.float32.nonFiniteCount(UnsafeRawBufferPointer(values))
                bytes = UnsafeMutableRawBufferPointer(values)
            } else {
                largest = narrow(values, type, into: bytes, scratch)
                guard !largest.isNaN else { throw tooLarge(tensor) }
            }
            if isTransposed {
                let turned = scratch.bytes(.transposed, count: bytes.count)
                type.transpose(
                    UnsafeRawBufferPointer(bytes),
                    into: turned,
                    rows: tensor.shape[1],
                    columns: tensor.shape[0]
                )
                bytes = turned
            }
            let offset = firstValue * type.byteCount
            let piece = try write(UnsafeRawBufferPointer(bytes), tensor.name, at: offset, to: sink)
            return ([piece], largest, nonFiniteCount)
        case .bytes(let scalesName):
            let (inputs, outputs) = (tensor.shape[0], tensor.shape[1])
            let bytes = scratch.bytes(.converted, count: values.count)
            let scales = scratch.bytes(.transposed, count: 4 * outputs)
            let largest = Rounding.symmetricBytes(
                base,
                rows: outputs,
                columns: inputs,
                into: bytes.assumingMemoryBound(to: Int8.self).baseAddress!,
                scales: scales.assumingMemoryBound(to: Float.self).baseAddress!
            )
            guard !largest.isNaN else { throw tooLarge(tensor) }
            let pieces = [
                try write(UnsafeRawBufferPointer(bytes), tensor.name, at: 0, to: sink),
                try write(UnsafeRawBufferPointer(scales), scalesName, at: 0, to: sink),
            ]
            return (pieces, largest, 0)
        case .blocks:
            func byteCount(_ values: Int) -> Int {
                values / Rounding.blockLength * Rounding.blockByteCount
            }
            let bytes = scratch.bytes(.converted, count: byteCount(values.count))
            var largest: Float = 0
            for start in stride(from: 0, to: values.count, by: Self.stretch) {
                let difference = Rounding.blocks(
                    base + start,
                    count: min(Self.stretch, values.count - start),
                    into: bytes.baseAddress! + byteCount(start)
                )
                guard !difference.isNaN else { throw tooLarge(tensor) }
                largest = max(largest, difference)
            }
            let piece = try write(
                UnsafeRawBufferPointer(bytes),
                tensor.name,
                at: byteCount(firstValue),
                to: sink
            )
            return ([piece], largest, 0)
        }
    }

    /// Rounds values to a half type.
    ///
    /// - Returns: the largest difference of a value that is read back; NaN where one is not finite or the type
    ///   cannot hold it.
    private func narrow(
        _ values: UnsafeMutableBufferPointer<Float>,
        _ type: ElementType,
        into bytes: UnsafeMutableRawBufferPointer,
        _ scratch: Scratch
    ) -> Float {
        let again = scratch.bytes(.transposed, count: 4 * Self.stretch)
            .assumingMemoryBound(to: Float.self)
        var largest: Float = 0
        for start in stride(from: 0, to: values.count, by: Self.stretch) {
            let range = start..<min(values.count, start + Self.stretch)
            let source = UnsafeBufferPointer(rebasing: values[range])
            let half = UnsafeMutableRawBufferPointer(
                rebasing: bytes[start * type.byteCount..<range.upperBound * type.byteCount]
            )
            let decoded = UnsafeMutableBufferPointer(rebasing: again[..<range.count])
            let narrowing = type.encode(source, into: half)
            guard narrowing.overflowCount == 0,
                Rounding.maximumMagnitude(source.baseAddress!, source.count).isFinite
            else { return .nan }
            type.decode(UnsafeRawBufferPointer(half), into: decoded)
            largest = max(
                largest,
                Rounding.largestDifference(decoded.baseAddress!, source.baseAddress!, range.count)
            )
        }
        return largest
    }

    private func tooLarge(_ tensor: PlannedTensor) -> Failure {
        Failure(
            .badData,
            source.store.source,
            "\"\(printable(tensor.parameter))\" has values that are not finite or too large to be "
                + "rounded",
            remedy: "Export it with --dtype f32"
        )
    }

    /// The parameter in canonical orientation, or some rows of it, in the worker's memory.
    private func values(
        _ task: Task,
        _ scratch: Scratch
    ) throws(Failure) -> UnsafeMutableBufferPointer<Float> {
        let floats = scratch.floats(count: task.valueCount)
        guard let stored = source[task.tensor.parameter], stored.transform == .identity,
            let extent = source.store.extent(of: stored.entry)
        else {
            let tensor = try source.tensor(named: task.tensor.parameter)
            _ = floats.update(fromContentsOf: tensor.values)
            return floats
        }
        let type = stored.entry.elementType
        let start = extent.offset + (task.rows?.lowerBound ?? 0) * task.columns * type.byteCount
        guard type != .float32 else {
            try extent.file.read(at: start, into: UnsafeMutableRawBufferPointer(floats))
            return floats
        }
        let bytes = scratch.bytes(.stored, count: task.valueCount * type.byteCount)
        try extent.file.read(at: start, into: bytes)
        type.decode(UnsafeRawBufferPointer(bytes), into: floats)
        return floats
    }

    private func write(
        _ bytes: UnsafeRawBufferPointer,
        _ name: String,
        at offset: Int,
        to sink: any TensorSink
    ) throws(Failure) -> Piece {
        try sink.write(bytes, to: name, at: offset)
        return Piece(
            name: name,
            offset: offset,
            byteCount: bytes.count,
            digest: ValueSummary.digest(0, bytes)
        )
    }
}
