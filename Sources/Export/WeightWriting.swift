import Bert
import Checkpoints
import Diagnostics
import Dispatch
import Foundation
import Synchronization
import Tensors

/// Puts a model's parameters into the places of an export: what keeps its bits is copied, what loses some is
/// rounded in pieces, several at a time.
struct WeightWriting {
    let source: Checkpoint
    let tensors: [PlannedTensor]

    /// The bytes of single-precision values that a worker rounds at a time.
    private static let pieceByteCount = 4 << 20

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
        for piece in result.pieces {
            guard let entry = entries[piece.name], let extent = store.extent(of: entry),
                piece.offset + piece.byteCount <= entry.byteCount
            else { throw changed(piece.name, store) }
            let bytes = try extent.file.bytes(
                extent.offset + piece.offset..<extent.offset + piece.offset + piece.byteCount
            )
            guard bytes.withUnsafeBytes({ ValueSummary.digest(0, $0) }) == piece.digest else {
                throw changed(piece.name, store)
            }
        }
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
        else { return [Task(tensor: tensor, rows: nil)] }
        let height = max(1, Self.pieceByteCount / (4 * max(1, stored.shape[1])))
        return stride(from: 0, to: stored.shape[0], by: height).map {
            Task(tensor: tensor, rows: $0..<min(stored.shape[0], $0 + height))
        }
    }

    private func round(
        _ tasks: [Task],
        to sink: any TensorSink,
        progress: @escaping @Sendable (Int) -> Void
    ) throws(Failure) -> State {
        let state = Mutex(State())
        let next = Atomic<Int>(0)
        let workers = min(tasks.count, min(4, ProcessInfo.processInfo.activeProcessorCount))
        guard workers > 0 else { return State() }
        DispatchQueue.concurrentPerform(iterations: workers) { _ in
            while true {
                let index = next.add(1, ordering: .relaxed).oldValue
                guard index < tasks.count, state.withLock({ $0.failure == nil }) else { return }
                do throws(Failure) {
                    let (pieces, largest, nonFiniteCount) = try round(tasks[index], to: sink)
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
        }
        let result = state.withLock { $0 }
        if let failure = result.failure { throw failure }
        return result
    }

    private func round(
        _ task: Task,
        to sink: any TensorSink
    ) throws(Failure) -> (pieces: [Piece], largest: Float, nonFiniteCount: Int) {
        let values = try values(task)
        let tensor = task.tensor
        let columns = tensor.shape.rank == 2 ? tensor.shape[1] : values.count
        let firstRow = task.rows?.lowerBound ?? 0
        switch tensor.form {
        case .values(let type, let isTransposed):
            var written = values
            if isTransposed {
                let canonical: Shape = [tensor.shape[1], tensor.shape[0]]
                written = Tensor(shape: canonical, values: values).transposed().values
            }
            var bytes = [UInt8](repeating: 0, count: written.count * type.byteCount)
            var again = [Float](repeating: 0, count: type == .float32 ? 0 : written.count)
            let narrowing = written.withUnsafeBufferPointer { values in
                bytes.withUnsafeMutableBytes { type.encode(values, into: $0) }
            }
            let nonFiniteCount = written.withUnsafeBytes { ElementType.float32.nonFiniteCount($0) }
            guard type == .float32 || narrowing.overflowCount + nonFiniteCount == 0 else {
                throw tooLarge(tensor)
            }
            guard type != .float32 else {
                let offset = firstRow * columns * type.byteCount
                let piece = try write(bytes, tensor.name, at: offset, to: sink)
                return ([piece], 0, nonFiniteCount)
            }
            bytes.withUnsafeBytes { bytes in
                again.withUnsafeMutableBufferPointer { type.decode(bytes, into: $0) }
            }
            let largest = Rounding.largestDifference(again, written, written.count)
            let offset = firstRow * columns * type.byteCount
            return ([try write(bytes, tensor.name, at: offset, to: sink)], largest, 0)
        case .bytes(let scalesName):
            let (inputs, outputs) = (tensor.shape[0], tensor.shape[1])
            var bytes = [UInt8](repeating: 0, count: values.count)
            var scales = [Float](repeating: 0, count: outputs)
            let largest = values.withUnsafeBufferPointer { values in
                bytes.withUnsafeMutableBytes { bytes in
                    scales.withUnsafeMutableBufferPointer { scales in
                        Rounding.symmetricBytes(
                            values.baseAddress!,
                            rows: outputs,
                            columns: inputs,
                            into: bytes.assumingMemoryBound(to: Int8.self).baseAddress!,
                            scales: scales.baseAddress!
                        )
                    }
                }
            }
            guard !largest.isNaN else { throw tooLarge(tensor) }
            let raw = scales.withUnsafeBytes { Array($0) }
            return (
                [
                    try write(bytes, tensor.name, at: 0, to: sink),
                    try write(raw, scalesName, at: 0, to: sink),
                ], largest, 0
            )
        case .blocks:
            let count = values.count / Rounding.blockLength * Rounding.blockByteCount
            var bytes = [UInt8](repeating: 0, count: count)
            let largest = values.withUnsafeBufferPointer { values in
                bytes.withUnsafeMutableBytes {
                    Rounding.blocks(
                        values.baseAddress!,
                        count: values.count,
                        into: $0.baseAddress!
                    )
                }
            }
            guard !largest.isNaN else { throw tooLarge(tensor) }
            let width = columns / Rounding.blockLength * Rounding.blockByteCount
            return ([try write(bytes, tensor.name, at: firstRow * width, to: sink)], largest, 0)
        }
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

    /// The parameter in canonical orientation, or some rows of it.
    private func values(_ task: Task) throws(Failure) -> [Float] {
        let name = task.tensor.parameter
        guard let rows = task.rows, let stored = source[name],
            let extent = source.store.extent(of: stored.entry)
        else { return try source.tensor(named: name).values }
        let type = stored.entry.elementType
        let width = stored.shape[1] * type.byteCount
        let start = extent.offset + rows.lowerBound * width
        let bytes = try extent.file.bytes(start..<start + rows.count * width)
        return [Float](unsafeUninitializedCapacity: rows.count * stored.shape[1]) { floats, count in
            count = rows.count * stored.shape[1]
            bytes.withUnsafeBytes {
                type.decode(
                    $0,
                    into: UnsafeMutableBufferPointer(start: floats.baseAddress, count: count)
                )
            }
        }
    }

    private func write(
        _ bytes: [UInt8],
        _ name: String,
        at offset: Int,
        to sink: any TensorSink
    ) throws(Failure) -> Piece {
        var failure: Failure?
        let digest = bytes.withUnsafeBytes { raw in
            do throws(Failure) {
                try sink.write(raw, to: name, at: offset)
            } catch {
                failure = error
            }
            return ValueSummary.digest(0, raw)
        }
        if let failure { throw failure }
        return Piece(name: name, offset: offset, byteCount: bytes.count, digest: digest)
    }
}
