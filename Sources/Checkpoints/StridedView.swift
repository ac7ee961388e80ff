import Diagnostics
import Tensors

/// Elements of a storage in a file, by offset and strides, checked against the storage.
struct StridedView: Sendable {
    let shape: Shape
    let elementType: ElementType
    /// Where in the file the view's first element is.
    let offset: Int
    /// In elements; 0 where the dimension is 1 and the stride stands for nothing.
    let strides: [Int]
    /// From the first element to past the last, in elements.
    let span: Int
    /// Whether the elements lie row-major, one after the other.
    let isContiguous: Bool

    /// - Parameters:
    ///   - storageOffset: where the storage lies in the file.
    ///   - name: for messages.
    init(
        _ view: PickleHeap.TensorView,
        of storage: PickleHeap.Storage,
        at storageOffset: Int,
        _ name: String,
        _ path: String
    ) throws(Failure) {
        func refused(_ what: String, remedy: String? = nil) -> Failure {
            Failure(
                .badData,
                path,
                "the tensor \"\(printable(name))\" of size \(view.dimensions) \(what)",
                remedy: remedy
            )
        }
        guard let byteCount = checkedByteCount(view.dimensions, storage.elementType) else {
            throw refused("has more elements than can be counted")
        }
        let count = byteCount / storage.elementType.byteCount
        let outside = refused(
            "begins at \(view.offset) of its storage and has the strides \(view.strides): it reaches "
                + "past the storage's \(storage.elementCount) elements"
        )
        var last = view.offset
        for (dimension, stride) in zip(view.dimensions, view.strides) where dimension > 1 {
            let (distance, overflow) = (dimension - 1).multipliedReportingOverflow(by: stride)
            let (sum, sumOverflow) = last.addingReportingOverflow(distance)
            guard !overflow, !sumOverflow else { throw outside }
            last = sum
        }
        guard count == 0 || last < storage.elementCount else { throw outside }
        // A view that repeats elements could be of any size.
        guard count <= storage.elementCount else {
            throw refused(
                "repeats the \(storage.elementCount) elements of its storage",
                remedy: "Save it with .contiguous()"
            )
        }
        shape = Shape(view.dimensions)
        elementType = storage.elementType
        offset = count == 0 ? storageOffset : storageOffset + view.offset * elementType.byteCount
        strides = zip(view.dimensions, view.strides).map { $0 > 1 ? $1 : 0 }
        span = count == 0 ? 0 : last - view.offset + 1
        var expected = 1
        var isContiguous = true
        for (dimension, stride) in zip(view.dimensions, view.strides).reversed()
        where dimension > 1 {
            isContiguous = isContiguous && stride == expected
            expected = expected &* dimension
        }
        self.isContiguous = isContiguous || count == 0
    }

    /// Reads the elements, row-major.
    ///
    /// - Precondition: `buffer` holds exactly their bytes.
    func read(_ file: OpenFile, into buffer: UnsafeMutableRawBufferPointer) throws(Failure) {
        guard !isContiguous else { return try file.read(at: offset, into: buffer) }
        let source = UnsafeMutableRawBufferPointer.allocate(
            byteCount: span * elementType.byteCount,
            alignment: 64
        )
        defer { source.deallocate() }
        try file.read(at: offset, into: source)
        gather(UnsafeRawBufferPointer(source), into: buffer)
    }

    /// Brings the elements into row-major order.
    private func gather(
        _ source: UnsafeRawBufferPointer,
        into target: UnsafeMutableRawBufferPointer
    ) {
        let size = elementType.byteCount
        if shape.rank == 2, size > 1, strides == [1, shape[0]] {
            elementType.transpose(source, into: target, rows: shape[1], columns: shape[0])
            return
        }
        switch size {
        case 1: gather(source, into: target, as: UInt8.self)
        case 2: gather(source, into: target, as: UInt16.self)
        case 4: gather(source, into: target, as: UInt32.self)
        default: gather(source, into: target, as: UInt64.self)
        }
    }

    private func gather<Word: BitwiseCopyable>(
        _ source: UnsafeRawBufferPointer,
        into target: UnsafeMutableRawBufferPointer,
        as word: Word.Type
    ) {
        let size = MemoryLayout<Word>.size
        let dimensions = shape.dimensions
        let (innerCount, innerStride) = (
            dimensions[dimensions.count - 1], strides[strides.count - 1]
        )
        var coordinates = [Int](repeating: 0, count: dimensions.count - 1)
        var (start, place) = (0, 0)
        while true {
            for index in 0..<innerCount {
                let element = source.loadUnaligned(
                    fromByteOffset: (start + index * innerStride) * size,
                    as: word
                )
                target.storeBytes(of: element, toByteOffset: place, as: word)
                place += size
            }
            // The next row: an odometer over the outer dimensions.
            var axis = coordinates.count - 1
            while axis >= 0 {
                coordinates[axis] += 1
                start += strides[axis]
                if coordinates[axis] < dimensions[axis] { break }
                start -= dimensions[axis] * strides[axis]
                coordinates[axis] = 0
                axis -= 1
            }
            if axis < 0 { return }
        }
    }
}
