public import Conversion
public import Foundation
public import Tensors

/// What a compression is to do; what is `nil` or `false` is not done.
public struct CompressionOptions: Sendable {
    /// The layers to keep, from 0, ascending.
    public var layers: [Int]?
    /// The share of each layer's heads, rounded down, and of its feed-forward neurons that is cut away, above
    /// 0 and below 1.
    public var headAndNeuronFraction: Double?
    /// Which word pieces are kept.
    public var vocabulary: VocabularyChoice?
    /// Whether matrices are stored as int8 with scales.
    public var isInt8 = false
    /// What is stored as floats: binary16 or bfloat16; `nil` for what the source has, and binary32 for
    /// binary64.
    public var elementType: ElementType?

    /// `huggingFaceHDF5` or `safetensors`.
    public var format: ExportFormat
    /// gzip's level behind the shuffle filter, for HDF5.
    public var compression: Int?
    public var gate = QualityGate()
    /// Draws the examples that importance is judged on.
    public var seed: UInt64 = 42
    public var force = false

    public init(format: ExportFormat) {
        self.format = format
    }

    /// Whether anything is to be done at all.
    public var isEmpty: Bool {
        layers == nil && headAndNeuronFraction == nil && vocabulary == nil && !isInt8
            && elementType == nil
    }
}

/// Which word pieces are kept: those that texts use, beside those that are always kept.
public struct VocabularyChoice: Sendable {
    /// Plain texts that are read whole, whatever their columns are; `nil` for the labelled data's texts.
    public var text: URL?
    /// How many pieces there are to be in the end; `nil` for those that the texts use.
    public var size: Int?

    public init(text: URL?, size: Int? = nil) {
        (self.text, self.size) = (text, size)
    }
}
