import Tensors

/// The bytes of a tensor whose extents come from a file, or `nil` when they cannot be counted.
///
/// Extents of 0 are passed over, so that no product of some of them, in any order, overflows either.
func checkedByteCount(_ dimensions: [Int], _ type: ElementType) -> Int? {
    var count = type.byteCount
    var isEmpty = false
    for dimension in dimensions {
        guard dimension >= 0 else { return nil }
        if dimension == 0 {
            isEmpty = true
            continue
        }
        let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
        guard !overflow else { return nil }
        count = product
    }
    return isEmpty ? 0 : count
}

/// How many dimensions a tensor of a checkpoint may have.
let maximumRank = 8

extension Collection<UInt8> {
    /// The bytes as a little-endian number.
    ///
    /// - Precondition: there are at most eight.
    var littleEndian: UInt64 {
        reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
