import Dispatch
import Foundation
import Synchronization

/// Numbered tasks on all processors, each worker with memory of its own that it uses again.
package enum Workers {
    /// Runs tasks in the order of their numbers, several at a time, and returns when all are done.
    ///
    /// - Parameter limit: the most workers: more than eight would wait for the disk or the memory, and each
    ///   needs its buffers; 1 for tasks that must not meet.
    package static func run(
        _ count: Int,
        upTo limit: Int = 8,
        _ body: @Sendable (_ task: Int, _ scratch: Scratch) -> Void
    ) {
        let workers = max(1, min(count, limit, ProcessInfo.processInfo.activeProcessorCount))
        let next = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: workers) { _ in
            let scratch = Scratch()
            while true {
                let task = next.add(1, ordering: .relaxed).oldValue
                guard task < count else { return }
                body(task, scratch)
            }
        }
    }
}

/// One worker's memory: a few buffers that only grow.
package final class Scratch {
    package enum Place: Int, CaseIterable {
        case stored
        case floats
        case converted
        case transposed
    }

    private var buffers = [UnsafeMutableRawBufferPointer](
        repeating: UnsafeMutableRawBufferPointer(start: nil, count: 0),
        count: Place.allCases.count
    )

    /// Memory for so many bytes, whose content is whatever it was; good until the place is asked
    /// for again.
    package func bytes(_ place: Place, count: Int) -> UnsafeMutableRawBufferPointer {
        if buffers[place.rawValue].count < count {
            buffers[place.rawValue].deallocate()
            buffers[place.rawValue] = .allocate(byteCount: count, alignment: 64)
        }
        return UnsafeMutableRawBufferPointer(
            start: buffers[place.rawValue].baseAddress,
            count: count
        )
    }

    package func floats(count: Int) -> UnsafeMutableBufferPointer<Float> {
        let bytes = bytes(.floats, count: count * MemoryLayout<Float>.stride)
        return UnsafeMutableBufferPointer(
            start: bytes.baseAddress?.assumingMemoryBound(to: Float.self),
            count: count
        )
    }

    deinit {
        for buffer in buffers { buffer.deallocate() }
    }
}
