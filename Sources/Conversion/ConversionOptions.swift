public import Tensors

/// What a conversion is to do beside changing the layout.
public struct ConversionOptions: Sendable {
    /// What becomes of the head.
    public enum HeadChoice: Sendable, Hashable {
        case keep
        /// The encoder alone; a bare encoder's names have no model prefix.
        case none
        /// A new sequence classifier with these labels, its weights drawn from this seed.
        case new(labels: [String], seed: UInt64)
    }

    public var format: ExportFormat
    /// What weights are stored as: binary32, binary16 or bfloat16. `nil` keeps what the source has,
    /// and makes binary32 of binary64.
    public var elementType: ElementType?
    /// gzip's level behind the shuffle filter, for HDF5; `nil` for plain datasets.
    public var compression: Int?
    /// The most bytes of tensors in one file; `nil` for one file.
    public var shardByteCount: Int?
    public var head = HeadChoice.keep
    /// Patterns of canonical names, with `*` for anything: only these tensors are written.
    public var only: [String] = []
    /// Canonical names for stored names that no layout knows.
    public var renames: [(stored: String, canonical: String)] = []
    /// Whether a target may compute something slightly different.
    public var allowsApproximation = false
    /// Whether texts are lower-cased, where no file says it.
    public var isCased: Bool?
    /// Whether an existing output may be replaced.
    public var force = false

    public init(format: ExportFormat) {
        self.format = format
    }
}
