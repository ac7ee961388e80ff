import Dispatch
import Synchronization

/// Where a text, or a pair of texts, stands in a run of bytes.
public struct TextPlace: Hashable, Sendable {
    public var text: Range<Int>
    public var pair: Range<Int>?

    public init(text: Range<Int>, pair: Range<Int>? = nil) {
        self.text = text
        self.pair = pair
    }
}

extension WordPieceTokenizer {
    /// The sequences of many texts, each as ``encode(_:pair:maximumLength:)`` makes it.
    ///
    /// - Parameters:
    ///   - count: The number of texts, or of pairs.
    ///   - bytes: UTF-8 that holds all texts. Bytes that are not are passed over.
    ///   - maximumLength: The most tokens of a sequence, special ones included.
    ///   - workers: The most threads to use; the result does not depend on them.
    ///   - place: Where in `bytes` the text with a number is; called from several threads.
    /// - Returns: the sequences in the order of the texts, and how many of them were cut.
    /// - Precondition: all places lie in `bytes`.
    public func encode(
        _ count: Int,
        in bytes: [UInt8],
        maximumLength: Int,
        workers: Int,
        place: @Sendable (Int) -> TextPlace
    ) -> (batch: PackedBatch, truncated: Int) {
        precondition(count >= 0 && workers > 0)
        // Small enough that nobody waits long for the last one.
        let size = max(Portion.least, min(Portion.most, count / (8 * workers)))
        let portionCount = (count + size - 1) / size
        var portions = [Portion](repeating: Portion(), count: portionCount)
        portions.withUnsafeMutableBufferPointer { buffer in
            // Each portion is written by the worker that took its number.
            nonisolated(unsafe) let results = buffer
            let next = Atomic<Int>(0)
            DispatchQueue.concurrentPerform(iterations: min(workers, portionCount)) { _ in
                bytes.withUnsafeBufferPointer { bytes in
                    withScanner { scanner in
                        while true {
                            let number = next.add(1, ordering: .relaxed).oldValue
                            guard number < portionCount else { return }
                            let texts = number * size..<min(count, (number + 1) * size)
                            results[number].encode(
                                texts.lazy.map(place),
                                in: bytes,
                                maximumLength,
                                &scanner
                            )
                        }
                    }
                }
            }
        }
        let batch = PackedBatch(portions, sequenceCount: count, workers: workers)
        return (batch, portions.reduce(0) { $0 + $1.truncated })
    }
}

/// The sequences of some texts.
private struct Portion: Sendable {
    static let least = 64
    static let most = 1024

    var ids: [Int32] = []
    /// The length of each sequence, and how many of it have token type 0.
    var lengths: [(all: Int, first: Int)] = []
    var truncated = 0

    mutating func encode(
        _ places: some Collection<TextPlace>,
        in bytes: UnsafeBufferPointer<UInt8>,
        _ maximumLength: Int,
        _ scanner: inout WordScanner
    ) {
        lengths.reserveCapacity(places.count)
        var ids: [Int32] = []
        for place in places {
            let sequence = scanner.scanSequence(
                bytes.part(place.text),
                place.pair.map(bytes.part),
                maximumLength: maximumLength
            )
            if ids.isEmpty { ids.reserveCapacity(scanner.pieceCount * places.count) }
            ids.append(contentsOf: scanner.found)
            lengths.append((scanner.pieceCount, sequence.firstCount))
            if sequence.truncated > 0 { truncated += 1 }
        }
        self.ids = ids
    }
}

extension PackedBatch {
    /// The sequences of all portions, copied by several threads.
    fileprivate init(_ portions: [Portion], sequenceCount: Int, workers: Int) {
        var starts: [Int] = []
        var offsets: [Int] = []
        starts.reserveCapacity(portions.count)
        offsets.reserveCapacity(sequenceCount + 1)
        var total = 0
        for portion in portions {
            starts.append(total)
            for length in portion.lengths {
                offsets.append(total)
                total += length.all
            }
        }
        offsets.append(total)
        func filled(
            _ fill: @Sendable (Portion, UnsafeMutableBufferPointer<Int32>) -> Void
        ) -> [Int32] {
            [Int32](unsafeUninitializedCapacity: total) { buffer, count in
                // Portions' parts of the memory are disjoint.
                nonisolated(unsafe) let memory = buffer
                let workers = min(workers, portions.count)
                DispatchQueue.concurrentPerform(iterations: workers) { [starts] worker in
                    for number in stride(from: worker, to: portions.count, by: workers) {
                        let portion = portions[number]
                        let rows = starts[number]..<starts[number] + portion.ids.count
                        fill(portion, UnsafeMutableBufferPointer(rebasing: memory[rows]))
                    }
                }
                count = total
            }
        }
        let ids = filled { portion, memory in _ = memory.update(fromContentsOf: portion.ids) }
        let tokenTypes = filled { portion, memory in
            memory.update(repeating: 0)
            var start = 0
            for length in portion.lengths {
                let end = start + length.all
                memory[(start + length.first)..<end].update(repeating: 1)
                start = end
            }
        }
        self.init(ids: ids, tokenTypes: tokenTypes, offsets: offsets)
    }
}

extension UnsafeBufferPointer<UInt8> {
    fileprivate func part(_ range: Range<Int>) -> Self {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "the place of a text")
        return Self(rebasing: self[range])
    }
}
