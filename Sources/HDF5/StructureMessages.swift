/// The messages of object headers.
///
/// - Source: HDF5 File Format Specification 3.0, section IV.A.2.
extension StructureCheck {
    /// What an object's messages say of it.
    struct Object {
        var space: StructureTypes.Dataspace?
        var type: StructureTypes.Datatype?
        /// A group's tree and names.
        var symbols: (tree: UInt64, heap: UInt64)?
        /// The addresses of the objects that link messages name.
        var links: [UInt64] = []
        /// A tree of chunks, with the dimensions of its chunks.
        var chunks: (tree: UInt64, rank: Int)?
        var fillByteCount: UInt64 = 0
        /// What the object is that a weights file does not have.
        var refusal: String?
    }

    mutating func message(
        _ kind: Int,
        _ flags: Int,
        _ body: StructureBytes,
        _ object: inout Object
    ) throws(Damage) {
        var body = body
        if flags & 2 != 0 {
            guard kind == 3 else { throw body.damaged("is shared, and no datatype") }
            object.type = try sharedType(&body)
            return
        }
        switch kind {
        case 0x00: return
        case 0x01: object.space = try StructureTypes.dataspace(&body)
        case 0x02: try linkInfo(&body)
        case 0x03: object.type = try StructureTypes.datatype(&body)
        case 0x04:
            let size = try body.number(4)
            guard size == UInt64(UInt32.max) || size <= UInt64(body.remaining) else {
                throw body.damaged("has a fill value that is longer than it")
            }
            object.fillByteCount = size == UInt64(UInt32.max) ? 0 : size
        case 0x05: object.fillByteCount = try fillValue(&body)
        case 0x06: try link(&body, &object)
        case 0x07: object.refusal = "keeps its data in another file (external storage)"
        case 0x08: try layout(&body, &object)
        case 0x0A:
            guard try body.number(1) == 0 else { throw body.damaged("is of an unknown version") }
            let flags = try body.small(1)
            try body.skip((flags & 1 != 0 ? 4 : 0) + (flags & 2 != 0 ? 4 : 0))
        case 0x0B: try filters(&body)
        case 0x0C: try attribute(&body)
        case 0x0D: try body.text()
        case 0x0E: try body.skip(16)
        case 0x11: object.symbols = (try body.address(), try body.address())
        case 0x12: try body.skip(8)
        case 0x15: try attributeInfo(&body)
        case 0x16: try body.skip(5)
        case 0x0F, 0x13, 0x14, 0x17, 0x18:
            throw body.damaged("stands where none of its kind belongs")
        default: return
        }
    }

    /// A datatype that has an object of its own.
    private mutating func sharedType(
        _ body: inout StructureBytes
    ) throws(Damage) -> StructureTypes.Datatype {
        let version = try body.small(1)
        let kind = try body.small(1)
        if version == 1 { try body.skip(6) }
        guard (1...3).contains(version), version < 3 || kind == 2 else {
            throw body.damaged("is shared in an unknown way")
        }
        let object = try header(try body.address(), asType: true)
        guard let type = object.type else { throw body.damaged("names a type that is none") }
        return type
    }

    private func fillValue(_ body: inout StructureBytes) throws(Damage) -> UInt64 {
        let version = try body.small(1)
        let isDefined: Bool
        switch version {
        case 1, 2:
            try body.skip(2)
            isDefined = try body.number(1) != 0 || version == 1
        case 3: isDefined = try body.number(1) & 0x20 != 0
        default: throw body.damaged("has a fill value of version \(version)")
        }
        guard isDefined else { return 0 }
        let size = try body.number(4)
        if size == UInt64(UInt32.max) { return 0 }
        guard size <= UInt64(body.remaining) else {
            throw body.damaged("has a fill value that is longer than it")
        }
        return size
    }

    private func layout(_ body: inout StructureBytes, _ object: inout Object) throws(Damage) {
        let version = try body.small(1)
        switch version {
        case 1, 2:
            let rank = try body.small(1)
            let kind = try body.small(1)
            guard (1...33).contains(rank), kind <= 2 else {
                throw body.damaged("is of no known layout")
            }
            try body.skip(5)
            let address = kind > 0 ? try body.address() : 0
            try body.skip(4 * rank)
            if kind == 2 { object.chunks = (address, rank - 1) }
            if kind == 0 { try body.skip(try body.small(4)) }
        case 3:
            switch try body.small(1) {
            case 0: try body.skip(try body.small(2))
            case 1: try body.skip(16)
            case 2:
                let rank = try body.small(1)
                guard (2...33).contains(rank) else {
                    throw body.damaged("has chunks of \(rank) dimensions")
                }
                let address = try body.address()
                var count: UInt64 = 1
                for _ in 0..<rank {
                    let extent = try body.number(4)
                    let (product, overflow) = count.multipliedReportingOverflow(by: extent)
                    guard extent > 0, !overflow, product < 1 << 32 else {
                        throw body.damaged("has chunks that cannot be")
                    }
                    count = product
                }
                object.chunks = (address, rank - 1)
            default: throw body.damaged("is of no known layout")
            }
        case 4 where try body.small(1) == 3:
            object.refusal = "is virtual: its data lie in other files"
        default: throw body.damaged("is of layout version \(version)")
        }
    }

    private func filters(_ body: inout StructureBytes) throws(Damage) {
        let version = try body.small(1)
        let count = try body.small(1)
        guard (1...2).contains(version), count <= 32 else {
            throw body.damaged("has \(count) filters of version \(version)")
        }
        if version == 1 { try body.skip(6) }
        for _ in 0..<count {
            let number = try body.small(2)
            let nameLength = version == 1 || number >= 256 ? try body.small(2) : 0
            try body.skip(2)
            let values = try body.small(2)
            guard version == 2 || nameLength % 8 == 0 else {
                throw body.damaged("has a filter's name of \(nameLength) bytes")
            }
            if nameLength > 0 {
                var name = try body.part(nameLength, "a filter's name")
                try name.text()
            }
            try body.skip(4 * values)
            if version == 1, values % 2 == 1 { try body.skip(4) }
        }
    }

    private func linkInfo(_ body: inout StructureBytes) throws(Damage) {
        guard try body.number(1) == 0 else { throw body.damaged("is of an unknown version") }
        let flags = try body.small(1)
        try body.skip((flags & 1 != 0 ? 8 : 0) + 16 + (flags & 2 != 0 ? 8 : 0))
    }

    private func attributeInfo(_ body: inout StructureBytes) throws(Damage) {
        guard try body.number(1) == 0 else { throw body.damaged("is of an unknown version") }
        let flags = try body.small(1)
        try body.skip((flags & 1 != 0 ? 2 : 0) + 16 + (flags & 2 != 0 ? 8 : 0))
    }

    private func link(_ body: inout StructureBytes, _ object: inout Object) throws(Damage) {
        guard try body.number(1) == 1 else { throw body.damaged("is of an unknown version") }
        let flags = try body.small(1)
        let kind = flags & 8 != 0 ? try body.small(1) : 0
        try body.skip((flags & 4 != 0 ? 8 : 0) + (flags & 16 != 0 ? 1 : 0))
        let length = try body.number(1 << (flags & 3))
        guard length > 0, length <= UInt64(body.remaining) else {
            throw body.damaged("has a name of \(length) bytes")
        }
        try body.skip(Int(length))
        switch kind {
        case 0: object.links.append(try body.address())
        default: try body.skip(try body.small(2))
        }
    }

    private mutating func attribute(_ body: inout StructureBytes) throws(Damage) {
        let version = try body.small(1)
        let flags = try body.small(1)
        guard (1...3).contains(version) else { throw body.damaged("is of an unknown version") }
        let sizes = (try body.small(2), try body.small(2), try body.small(2))
        if version == 3 { try body.skip(1) }
        func padded(_ size: Int) -> Int { version == 1 ? (size + 7) / 8 * 8 : size }
        var name = try body.part(padded(sizes.0), "an attribute's name")
        try name.text()
        var typeBytes = try body.part(padded(sizes.1), "an attribute's type")
        let type =
            version > 1 && flags & 1 != 0
            ? try sharedType(&typeBytes) : try StructureTypes.datatype(&typeBytes)
        guard version == 1 || flags & 2 == 0 else { throw body.damaged("has shared extents") }
        var spaceBytes = try body.part(padded(sizes.2), "an attribute's extents")
        let space = try StructureTypes.dataspace(&spaceBytes)
        guard let count = space.count,
            case (let total, false) = count.multipliedReportingOverflow(by: type.byteCount),
            total <= UInt64(body.remaining)
        else { throw body.damaged("has more values than bytes") }
        guard type.isVariable else { return }
        guard type.byteCount == 16 else { throw body.damaged("has an odd type of variable length") }
        for _ in 0..<count {
            let length = try body.number(4)
            let (heap, number) = (try body.address(), try body.number(4))
            if length == 0 || heap == 0 || heap == Self.undefined { continue }
            guard let size = try globalHeap(heap)[number], length <= size else {
                throw body.damaged("has a text that its heap does not hold")
            }
        }
    }
}
