public import Diagnostics
public import Foundation
public import Tensors

/// Which extent of a matrix has a scale for each of its elements.
public enum ScaleAxis: Sendable, Hashable {
    /// `[R, 1]`: a scale for each row.
    case rows
    /// `[1, C]`: a scale for each column.
    case columns

    /// How many scales a matrix of a shape has.
    public func count(of shape: Shape) -> Int { self == .rows ? shape[0] : shape[1] }

    /// The shape of the scales of a matrix, which spreads over it.
    public func scaleShape(of shape: Shape) -> Shape {
        self == .rows ? [shape[0], 1] : [1, shape[1]]
    }
}

/// A store in which matrices lie as int8 with their scales beside them: they are read as 32-bit floats,
/// byte · scale, and the scales are no tensors of their own.
///
/// The scales of `X` are the float tensor `X_scale` (`…/kernel_scale:0` for `…/kernel:0`), of shape
/// `[R, 1]` or `[1, C]` for a matrix of R rows and C columns. A matrix of int8 without scales is left as
/// it is.
public struct QuantizedStore: ChecksummedStore {
    public let entries: [TensorEntry]

    private let base: any TensorStore
    /// By the name of a matrix.
    private let matrices: [String: Matrix]

    private struct Matrix {
        let bytes: TensorEntry
        let scales: TensorEntry
        let axis: ScaleAxis
    }

    /// The name of the scales of a tensor.
    public static func scaleName(of name: String) -> String {
        name.hasSuffix(":0") ? name.dropLast(2) + "_scale:0" : name + "_scale"
    }

    /// Whether a matrix of a store has scales.
    public static func isOne(_ store: any TensorStore) -> Bool { !pairs(store).isEmpty }

    private static func pairs(_ store: any TensorStore) -> [(TensorEntry, scales: TensorEntry)] {
        let bytes = store.entries.filter { $0.elementType == .int8 }
        guard !bytes.isEmpty else { return [] }
        let floats = Dictionary(
            store.entries.filter(\.elementType.isFloat).map { ($0.name, $0) }
        ) { first, _ in first }
        return bytes.compactMap { entry in
            floats[scaleName(of: entry.name)].map { (entry, $0) }
        }
    }

    /// - Throws: `badData` for a tensor that is no matrix, or whose scales are not of its shape.
    public init(_ base: any TensorStore) throws(Failure) {
        self.base = base
        var matrices: [String: Matrix] = [:]
        var hidden: Set<String> = []
        for (entry, scales) in Self.pairs(base) {
            let name = printable(entry.name)
            guard entry.shape.rank == 2 else {
                throw Failure(
                    .badData,
                    base.source,
                    "\"\(name)\" is int8 with scales and no matrix but \(entry.shape)"
                )
            }
            let axes: [ScaleAxis] = [.rows, .columns]
            guard let axis = axes.first(where: { $0.scaleShape(of: entry.shape) == scales.shape })
            else {
                throw Failure(
                    .badData,
                    base.source,
                    "the scales of \"\(name)\" are \(scales.shape), must be "
                        + "\(ScaleAxis.rows.scaleShape(of: entry.shape)) or "
                        + "\(ScaleAxis.columns.scaleShape(of: entry.shape))"
                )
            }
            matrices[entry.name] = Matrix(bytes: entry, scales: scales, axis: axis)
            hidden.insert(scales.name)
        }
        self.matrices = matrices
        entries = base.entries.filter { !hidden.contains($0.name) }.map { entry in
            guard let matrix = matrices[entry.name] else { return entry }
            let scales = matrix.axis == .rows ? "a scale a row" : "a scale a column"
            return TensorEntry(
                name: entry.name,
                shape: entry.shape,
                elementType: .float32,
                storage: entry.storage.isEmpty ? scales : "\(scales), \(entry.storage)",
                scales: matrix.axis
            )
        }
    }

    public var source: String { base.source }
    public var layout: String { base.layout + ", int8" }
    public var files: [URL] { base.files }
    public var weightlessLayers: [String] { base.weightlessLayers }
    public var embeddedConfiguration: String? { base.embeddedConfiguration }
    public var notes: [String] {
        base.notes + ["int8 with scales, read as f32: \(matrices.count) matrices"]
    }

    public func checkValues() throws(Failure) {
        try (base as? any ChecksummedStore)?.checkValues()
    }

    public func read(
        _ entry: TensorEntry,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Failure) {
        guard let matrix = matrices[entry.name] else { return try base.read(entry, into: buffer) }
        let scales = try base.tensor(matrix.scales).values
        let count = matrix.bytes.byteCount
        guard count > 0 else { return }
        let bytes = UnsafeMutableBufferPointer<Int8>.allocate(capacity: count)
        defer { bytes.deallocate() }
        try base.read(matrix.bytes, into: UnsafeMutableRawBufferPointer(bytes))
        let floats = buffer.assumingMemoryBound(to: Float.self)
        let columns = entry.shape[1]
        for row in 0..<entry.shape[0] {
            let start = row * columns
            switch matrix.axis {
            case .rows:
                let scale = scales[row]
                for column in start..<start + columns {
                    floats[column] = Float(bytes[column]) * scale
                }
            case .columns:
                for column in 0..<columns {
                    floats[start + column] = Float(bytes[start + column]) * scales[column]
                }
            }
        }
    }

    public func extent(of entry: TensorEntry) -> FileExtent? {
        matrices[entry.name] == nil ? base.extent(of: entry) : nil
    }
}
