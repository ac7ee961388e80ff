/// The extents of a dataset or an attribute.
///
/// - Source: HDF5 File Format Specification 3.0, section IV.A.2.b.
struct Dataspace {
    /// HDF5 itself has no more.
    private static let mostDimensions = 32

    let dimensions: [UInt64]
    /// What the extents may become; `nil` for one without a bound.
    private(set) var largest: [UInt64?]
    /// Whether there is no element, not even one.
    let isNull: Bool

    init(_ fields: inout Fields) throws(Damage) {
        let version = try fields.integer(1)
        let rank = try fields.integer(1)
        let flags = try fields.integer(1)
        guard (1...2).contains(version), rank <= Self.mostDimensions else {
            throw fields.damaged("has extents of version \(version) and \(rank) dimensions")
        }
        isNull = version == 2 ? try fields.integer(1) == 2 : false
        if version == 1 { try fields.skip(5) }
        var dimensions: [UInt64] = []
        for _ in 0..<rank { dimensions.append(try fields.number(8)) }
        self.dimensions = dimensions
        largest = dimensions
        guard flags & 1 != 0 else { return }
        for (axis, dimension) in dimensions.enumerated() {
            let bound = try fields.number(8)
            guard bound >= dimension else {
                throw fields.damaged("has an extent above its maximum")
            }
            largest[axis] = bound == UInt64.max ? nil : bound
        }
    }

    /// The number of elements; `nil` when they cannot be counted.
    var count: Int? {
        if isNull || dimensions.contains(0) { return 0 }
        return dimensions.checkedProduct()
    }
}

extension Sequence<UInt64> {
    /// `nil` for more than an `Int` counts.
    func checkedProduct(_ first: Int = 1) -> Int? {
        var product = first
        for factor in self {
            guard let factor = Int(exactly: factor),
                case (let next, false) = product.multipliedReportingOverflow(by: factor)
            else { return nil }
            product = next
        }
        return product
    }
}
