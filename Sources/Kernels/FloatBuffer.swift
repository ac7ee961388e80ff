import Glibc
import Synchronization

/// Memory for floats, aligned to a cache line, freed with its owner.
///
/// A class because its identity is the memory: views point into it.
public final class FloatBuffer: @unchecked Sendable {
    public let base: UnsafeMutablePointer<Float>
    public let count: Int
    private let expectedBytes: Int

    private static let expected = Atomic<Int>(0)

    /// The bytes of all buffers that there are, once everything that is expected to be touched has been.
    public static var expectedByteCount: Int { expected.load(ordering: .relaxed) }

    /// `count` floats, zero-filled by the operating system as they are first touched.
    ///
    /// - Parameter touched: how many of them are expected to be; nil for all.
    public init(count: Int, touched: Int? = nil) {
        self.count = count
        expectedBytes = (touched ?? count) * MemoryLayout<Float>.stride
        Self.expected.add(expectedBytes, ordering: .relaxed)
        let bytes = max(64, count * MemoryLayout<Float>.stride)
        let length = (bytes + 4095) / 4096 * 4096
        let memory = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory, memory != MAP_FAILED else {
            fatalError("out of memory: \(bytes) bytes")
        }
        // Large pages where the system offers them: weights are streamed, and pages add up.
        if length >= 1 << 22 { madvise(memory, length, Int32(MADV_HUGEPAGE)) }
        base = memory.bindMemory(to: Float.self, capacity: length / 4)
    }

    /// Gives the whole pages among some elements back to the system; whoever touches them afterwards
    /// is stopped.
    public func release(_ elements: Range<Int>) {
        let start = UInt(bitPattern: base + elements.lowerBound)
        let first = (start + 4095) / 4096 * 4096
        let end = (start + UInt(elements.count * MemoryLayout<Float>.stride)) / 4096 * 4096
        guard first < end, let memory = UnsafeMutableRawPointer(bitPattern: first) else { return }
        madvise(memory, Int(end - first), MADV_DONTNEED)
        mprotect(memory, Int(end - first), PROT_NONE)
    }

    deinit {
        Self.expected.subtract(expectedBytes, ordering: .relaxed)
        let bytes = max(64, count * MemoryLayout<Float>.stride)
        munmap(base, (bytes + 4095) / 4096 * 4096)
    }

    /// The same memory as bytes.
    public var bytes: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: base, count: count * MemoryLayout<Float>.stride)
    }

    public func matrix(rows: Int, columns: Int, at offset: Int = 0) -> Matrix {
        precondition(offset + rows * columns <= count, "view beyond the buffer")
        return Matrix(base + offset, rows: rows, columns: columns)
    }
}

/// A buffer that grows to the largest size asked for and then stays.
public struct GrowingBuffer {
    private var buffer = FloatBuffer(count: 0)

    public init() {}

    /// At least `count` floats; the contents do not survive growth.
    public mutating func reserve(_ count: Int) -> UnsafeMutablePointer<Float> {
        if buffer.count < count {
            buffer = FloatBuffer(count: count + count / 4, touched: count)
        }
        return buffer.base
    }
}
