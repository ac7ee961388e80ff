/// The filters of a dataset's chunks, in the order in which they were applied.
///
/// - Source: HDF5 File Format Specification 3.0, section IV.A.2.l.
struct FilterPipeline: Sendable {
    private static let mostFilters = 4

    private(set) var names: [String] = []
    /// The parameters of scale-offset.
    private(set) var scaleOffset: ScaleOffset?

    init() {}

    init(_ fields: inout Fields) throws(Damage) {
        let (version, count) = (try fields.integer(1), try fields.integer(1))
        guard (1...2).contains(version) else { throw fields.damaged("is of version \(version)") }
        guard count <= Self.mostFilters else {
            throw .refused("has more than \(Self.mostFilters) filters")
        }
        if version == 1 { try fields.skip(6) }
        for _ in 0..<count {
            let number = try fields.integer(2)
            let nameLength = version == 1 || number >= 256 ? try fields.integer(2) : 0
            try fields.skip(2)
            let valueCount = try fields.integer(2)
            try fields.skip(version == 1 ? (nameLength + 7) / 8 * 8 : nameLength)
            var values: [Int] = []
            for _ in 0..<valueCount { values.append(try fields.integer(4)) }
            if version == 1, valueCount % 2 == 1 { try fields.skip(4) }
            switch number {
            case 1: names.append("gzip")
            case 2: names.append("shuffle")
            case 3: names.append("fletcher32")
            case 6:
                names.append("scaleoffset")
                guard let parameters = ScaleOffset(values) else {
                    throw fields.damaged("has a scale-offset filter without its parameters")
                }
                scaleOffset = parameters
            case 32000: names.append("lzf")
            default:
                throw .refused(
                    "uses HDF5 filter number \(number), which BertKit does not read",
                    remedy: "Rewrite it with \"h5repack -f NONE\""
                )
            }
        }
        guard Set(names).count == names.count else {
            throw .refused("applies the same filter twice")
        }
    }
}
