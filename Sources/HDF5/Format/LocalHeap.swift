/// The names of an older group.
///
/// - Source: HDF5 File Format Specification 3.0, section III.D.
struct LocalHeap {
    private let content: Fields

    init(_ reader: inout Reader, at address: UInt64) throws(Damage) {
        var head = try reader.block(address, 32, "the local heap")
        try head.signature("HEAP")
        try head.version(0)
        try head.skip(3)
        let size = try head.integer(8)
        try head.skip(8)
        content = try reader.block(try head.address(), size, "the local heap's content")
    }

    /// The name that begins at a place of the heap.
    func name(at place: UInt64) throws(Damage) -> [UInt8] {
        guard let name = content.text(at: place) else {
            throw Damage("the group has a name outside the heap, at \(place)")
        }
        return name
    }
}
