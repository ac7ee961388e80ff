/// The kinds of messages that are read.
///
/// - Source: HDF5 File Format Specification 3.0, section IV.A.2.
enum MessageKind: Int {
    case dataspace = 0x01
    case linkInfo = 0x02
    case datatype = 0x03
    case oldFillValue = 0x04
    case fillValue = 0x05
    case link = 0x06
    case externalFiles = 0x07
    case layout = 0x08
    case filters = 0x0B
    case attribute = 0x0C
    case sharedMessageTable = 0x0F
    case continuation = 0x10
    case symbolTable = 0x11
    case treeWidths = 0x13
    case driverInfo = 0x14
    case attributeInfo = 0x15
    case cacheImage = 0x18

    /// Whether an object may have many of them.
    fileprivate var isRepeated: Bool {
        self == .link || self == .attribute || self == .continuation
    }
}

/// The messages of one object, of either version of header.
///
/// - Source: HDF5 File Format Specification 3.0, section IV.A.1.
struct ObjectHeader {
    struct Message {
        let kind: MessageKind
        /// Whether the body names where the message is, instead of being it.
        let isShared: Bool
        let body: Fields
    }

    let address: UInt64
    private(set) var messages: [Message] = []
    /// The blocks that are still to be read.
    private var blocks: [(address: UInt64, byteCount: Int)] = []

    init(_ reader: inout Reader, at address: UInt64) throws(Damage) {
        self.address = address
        var head = try reader.file.fields(reader.base, address, 4, "the object header")
        if try head.number(4) == 0x5244_484F {
            try readNew(&reader)
        } else {
            try readOld(&reader)
        }
    }

    /// The body of a message that is no reference; `nil` when the object has none of that kind.
    subscript(kind: MessageKind) -> Fields? { message(kind)?.body }

    func message(_ kind: MessageKind) -> Message? { messages.first { $0.kind == kind } }

    /// The body of a message that may not be a reference.
    func body(_ kind: MessageKind) throws(Damage) -> Fields? {
        guard let message = message(kind) else { return nil }
        guard !message.isShared else {
            throw .unsupported("shares its messages with other objects")
        }
        return message.body
    }

    private mutating func readOld(_ reader: inout Reader) throws(Damage) {
        var head = try reader.block(address, 16, "the object header")
        try head.version(1)
        try head.skip(1)
        var left = try head.integer(2)
        try head.skip(4)
        blocks = [(address + 16, try head.integer(4))]
        var next = 0
        while next < blocks.count {
            let block = blocks[next]
            next += 1
            var fields = try reader.block(block.address, block.byteCount, "the object header")
            while fields.remaining >= 8, left > 0 {
                left -= 1
                let (kind, size) = (try fields.integer(2), try fields.integer(2))
                let flags = try fields.integer(1)
                try fields.skip(3)
                guard size % 8 == 0 else { throw fields.damaged("has a message of odd length") }
                try add(kind, flags, try body(kind, size, &fields))
            }
        }
    }

    private mutating func readNew(_ reader: inout Reader) throws(Damage) {
        var head = try reader.file.fields(reader.base, address, 6, "the object header")
        try head.skip(4)
        try head.version(2)
        let flags = try head.integer(1)
        let prefix = 6 + (flags & 0x20 != 0 ? 16 : 0) + (flags & 0x10 != 0 ? 4 : 0)
        let width = 1 << (flags & 3)
        head = try reader.file.fields(reader.base, address, prefix + width, "the object header")
        try head.skip(prefix)
        let size = try head.integer(width)
        let (total, overflow) = size.addingReportingOverflow(prefix + width + 4)
        guard !overflow else { throw head.damaged("is larger than any file") }
        var fields = try reader.block(address, total, "OHDR", "the object header")
        try fields.skip(prefix + width - 4)
        var next = 0
        while true {
            let headSize = 4 + (flags & 4 != 0 ? 2 : 0)
            while fields.remaining >= headSize {
                let (kind, size) = (try fields.integer(1), try fields.integer(2))
                let flags = try fields.integer(1)
                try fields.skip(headSize - 4)
                try add(kind, flags, try body(kind, size, &fields))
            }
            guard next < blocks.count else { return }
            let block = blocks[next]
            next += 1
            fields = try reader.block(
                block.address,
                block.byteCount,
                "OCHK",
                "the object header's continuation"
            )
        }
    }

    private func body(
        _ kind: Int,
        _ size: Int,
        _ fields: inout Fields
    ) throws(Damage) -> Fields {
        try fields.part(size, "message \(kind) of the object at \(address)")
    }

    private mutating func add(_ number: Int, _ flags: Int, _ body: Fields) throws(Damage) {
        guard let kind = MessageKind(rawValue: number) else {
            // Bit 7: whoever does not know the message must not read the object.
            guard flags & 0x80 == 0 || number <= 0x18 else {
                throw .unsupported("has messages of the unknown kind \(number)")
            }
            return
        }
        guard kind.isRepeated || message(kind) == nil else {
            throw body.damaged("stands there twice")
        }
        guard kind != .continuation else {
            var body = body
            blocks.append((try body.address(), try body.integer(8)))
            return
        }
        messages.append(Message(kind: kind, isShared: flags & 2 != 0, body: body))
    }
}

extension FileBytes {
    /// A few bytes that are looked at before it is known how many there are.
    fileprivate func fields(
        _ base: UInt64,
        _ address: UInt64,
        _ count: Int,
        _ kind: String
    ) throws(Damage) -> Fields {
        let what = "\(kind) at \(address)"
        let size = UInt64(byteCount) - base
        guard address <= size, UInt64(count) <= size - address else {
            throw Damage("\(what) reaches past the end of the file")
        }
        return Fields(try bytes(at: Int(base + address), count: count), what)
    }
}
