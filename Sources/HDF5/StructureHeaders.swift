/// Object headers, of both versions.
///
/// - Source: HDF5 File Format Specification 3.0, section IV.A.1.
extension StructureCheck {
    /// The messages of an object.
    ///
    /// - Parameter isType: whether a datatype is wanted, which may not name another.
    mutating func header(_ address: UInt64, asType isType: Bool) throws(Damage) -> Object {
        guard open.insert(address).inserted else {
            throw Damage("a type at \(address) names itself")
        }
        defer { open.remove(address) }
        var head = try file.bytes(address, 16, "the object header")
        var object = Object()
        if try head.number(4) == 0x5244_484F {
            // With a checksum: what cannot be read here the library will not read either.
            do throws(Damage) {
                try newHeader(address, &object)
            } catch {
                return object
            }
            return object
        }
        head = try file.bytes(address, 16, "the object header")
        guard try head.number(1) == 1 else { throw head.damaged("is of an unknown version") }
        try head.skip(1)
        let count = try head.small(2)
        try head.skip(4)
        var blocks = [(address: address + 16, byteCount: try head.number(4))]
        var seen: Set<UInt64> = []
        var messages = 0
        var next = 0
        while next < blocks.count {
            let block = blocks[next]
            next += 1
            guard seen.insert(block.address).inserted, block.byteCount <= Self.largestHeap else {
                throw head.damaged("continues where it was before")
            }
            var bytes = try file.bytes(block.address, Int(block.byteCount), "the object header")
            while bytes.remaining >= 8, messages < count {
                messages += 1
                let kind = try bytes.small(2)
                let size = try bytes.small(2)
                let flags = try bytes.small(1)
                try bytes.skip(3)
                guard size % 8 == 0 else { throw bytes.damaged("has a message of odd length") }
                var body = try bytes.part(size, "message \(kind) of the object at \(address)")
                if kind == 0x10 {
                    blocks.append((try body.address(), try body.number(8)))
                } else {
                    try message(kind, flags, body, &object)
                }
            }
        }
        return object
    }

    /// An object header of version 2: its links lead to objects that may be of version 1.
    private mutating func newHeader(_ address: UInt64, _ object: inout Object) throws(Damage) {
        var head = try file.bytes(address, 6, "the object header")
        try head.skip(5)
        let flags = try head.small(1)
        let optional = (flags & 0x20 != 0 ? 16 : 0) + (flags & 0x10 != 0 ? 4 : 0)
        let width = 1 << (flags & 3)
        head = try file.bytes(address, 6 + optional + width, "the object header")
        try head.skip(6 + optional)
        let size = try head.number(width)
        var blocks = [(address: address + UInt64(6 + optional + width), byteCount: size)]
        var seen: Set<UInt64> = []
        var next = 0
        while next < blocks.count {
            let block = blocks[next]
            next += 1
            guard seen.insert(block.address).inserted, block.byteCount <= Self.largestHeap else {
                return
            }
            var bytes = try file.bytes(block.address, Int(block.byteCount), "the object header")
            let headSize = 4 + (flags & 4 != 0 ? 2 : 0)
            while bytes.remaining >= headSize {
                let kind = try bytes.small(1)
                let length = try bytes.small(2)
                try bytes.skip(headSize - 3)
                var body = try bytes.part(length, "a message")
                if kind == 0x10 {
                    // Behind the signature, before the checksum.
                    let (start, count) = (try body.address(), try body.number(8))
                    guard count >= 8, start < Self.undefined - 4 else { continue }
                    blocks.append((start + 4, count - 8))
                } else if kind == 0x06 {
                    try message(kind, 0, body, &object)
                } else if kind == 0x11 {
                    object.symbols = (try body.address(), try body.address())
                }
            }
        }
    }
}
