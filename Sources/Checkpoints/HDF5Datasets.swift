import Diagnostics
public import HDF5
public import Tensors

/// The datasets of one HDF5 file as tensors, for the stores of the layouts that HDF5 holds.
struct HDF5Datasets: Sendable {
    private let file: HDF5File
    /// The same open file, for where the bytes lie as they are read.
    private let bytes: OpenFile
    /// By name: the path without the leading slash.
    private let datasets: [String: HDF5Dataset]

    init(_ file: HDF5File) throws(Failure) {
        self.file = file
        guard let descriptor = file.duplicateDescriptor() else {
            throw Failure(.limit, file.path, "there are too many open files")
        }
        bytes = try OpenFile(path: file.path, descriptor: descriptor)
        datasets = Dictionary(
            file.datasets.map { (String($0.path.dropFirst()), $0) }
        ) { first, _ in first }
    }

    func contains(_ name: String) -> Bool { datasets[name] != nil }

    func read(_ name: String, into buffer: UnsafeMutableRawBufferPointer) throws(Failure) {
        if let extent = extent(of: name) {
            try extent.file.read(at: extent.offset, into: buffer)
        } else {
            try file.read(dataset(name), into: buffer)
        }
    }

    func extent(of name: String) -> FileExtent? {
        let dataset = dataset(name)
        guard let offset = dataset.fileOffset, !dataset.isBigEndian else { return nil }
        return FileExtent(file: bytes, offset: offset)
    }

    private func dataset(_ name: String) -> HDF5Dataset {
        guard let dataset = datasets[name] else {
            preconditionFailure("\(name) is not an entry of \(file.path)")
        }
        return dataset
    }

    /// Entries for datasets; one of a type that no tensor has is a problem.
    static func entries(_ datasets: [HDF5Dataset], _ problems: inout [String]) -> [TensorEntry] {
        datasets.compactMap { dataset in
            guard let type = dataset.elementType.tensorElementType else {
                problems.append(
                    "the dataset \"\(printable(dataset.path))\" has elements that are no tensor's: "
                        + dataset.elementType.phrase
                )
                return nil
            }
            var storage = dataset.layout == .contiguous ? [] : [dataset.layout.rawValue]
            storage += dataset.filters
            if dataset.isBigEndian { storage.append("big-endian") }
            return TensorEntry(
                name: String(dataset.path.dropFirst()),
                shape: Shape(dataset.dimensions),
                elementType: type,
                storage: storage.joined(separator: ", ")
            )
        }
    }

    static func notes(_ file: HDF5File) -> [String] {
        let unwritten = file.datasets.filter { $0.storedByteCount == 0 && $0.count > 0 }
        guard !unwritten.isEmpty else { return [] }
        let names = unwritten.map { printable($0.path) }.joined(separator: ", ")
        return ["never written, read as their fill value: \(names)"]
    }
}

extension HDF5ElementType {
    /// The same type as tensors name it; `nil` for one that no tensor has.
    public var tensorElementType: ElementType? {
        switch self {
        case .float16: .float16
        case .bfloat16: .bfloat16
        case .float32: .float32
        case .float64: .float64
        case .integer(1, let isSigned): isSigned ? .int8 : .uint8
        case .integer(2, let isSigned): isSigned ? .int16 : .uint16
        case .integer(4, let isSigned): isSigned ? .int32 : .uint32
        case .integer(8, let isSigned): isSigned ? .int64 : .uint64
        case .integer, .other: nil
        }
    }

    var phrase: String {
        switch self {
        case .integer(let byteCount, let isSigned):
            "\(isSigned ? "signed" : "unsigned") integers of \(byteCount) bytes"
        case .other(let name): name
        case .float16, .bfloat16, .float32, .float64: "floats"
        }
    }
}
