/// Writes HDF5 files of the oldest format byte by byte, so that every field can be a wrong one.
///
/// - Source: HDF5 File Format Specification 3.0: superblock 0, symbol tables, object headers of
///   version 1.
public struct HDF5Builder: Sendable {
    /// A message of an object header.
    public struct Message: Sendable {
        public var kind: Int
        public var body: [UInt8]
        public var flags: UInt8

        public init(_ kind: Int, _ body: [UInt8], flags: UInt8 = 0) {
            (self.kind, self.body, self.flags) = (kind, body, flags)
        }
    }

    public enum Link: Sendable {
        case object(UInt64)
        case soft(String)
    }

    public static let undefined = UInt64.max
    public static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

    /// Everything so far; its first bytes are the superblock's place.
    public private(set) var bytes = [UInt8](repeating: 0, count: 96)

    public init() {}

    /// Where the next thing comes to lie.
    public var end: UInt64 { UInt64(bytes.count) }

    /// Puts bytes at the end, at a multiple of 8.
    @discardableResult
    public mutating func append(_ more: [UInt8]) -> UInt64 {
        defer {
            bytes += more
            while !bytes.count.isMultiple(of: 8) { bytes.append(0) }
        }
        return end
    }

    /// Replaces bytes that are there.
    public mutating func put(_ more: [UInt8], at address: UInt64) {
        let start = Int(address)
        bytes.replaceSubrange(start..<start + more.count, with: more)
    }

    // MARK: Numbers

    public static func number(_ value: UInt64, _ count: Int = 8) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private func number(_ value: UInt64, _ count: Int = 8) -> [UInt8] { Self.number(value, count) }

    // MARK: Objects

    public mutating func object(_ messages: [Message]) -> UInt64 {
        var body: [UInt8] = []
        for message in messages {
            var content = message.body
            while !content.count.isMultiple(of: 8) { content.append(0) }
            body += number(UInt64(message.kind), 2) + number(UInt64(content.count), 2)
            body += [message.flags, 0, 0, 0] + content
        }
        return append(
            [1, 0] + number(UInt64(messages.count), 2) + number(1, 4)
                + number(UInt64(body.count), 4) + [0, 0, 0, 0] + body
        )
    }

    /// A contiguous dataset of binary32 values with its data.
    public mutating func dataset(_ dimensions: [UInt64], _ values: [UInt8]) -> UInt64 {
        let place = append(values)
        return object([
            Self.space(dimensions), Self.float32,
            Self.contiguous(place, UInt64(values.count)),
        ])
    }

    /// A group of at most 8 links, which are sorted by name.
    public mutating func group(_ links: [(name: [UInt8], link: Link)]) -> UInt64 {
        symbols(table(links))
    }

    /// A group whose tree and heap are elsewhere.
    public mutating func symbols(_ table: (tree: UInt64, heap: UInt64)) -> UInt64 {
        object([Message(0x11, number(table.tree) + number(table.heap))])
    }

    /// A group's tree of one node, and its names.
    public mutating func table(
        _ links: [(name: [UInt8], link: Link)]
    ) -> (tree: UInt64, heap: UInt64) {
        var names = [UInt8](repeating: 0, count: 8)
        func add(_ text: [UInt8]) -> UInt64 {
            defer {
                names += text + [0]
                while !names.count.isMultiple(of: 8) { names.append(0) }
            }
            return UInt64(names.count)
        }
        var entries: [UInt8] = []
        var last: UInt64 = 0
        for (name, link) in links.sorted(by: { $0.name.lexicographicallyPrecedes($1.name) }) {
            last = add(name)
            switch link {
            case .object(let address):
                entries += number(last) + number(address) + number(0, 8) + number(0, 16)
            case .soft(let target):
                let place = add(Array(target.utf8))
                entries += number(last) + number(Self.undefined) + number(2, 4) + number(0, 4)
                entries += number(place, 4) + number(0, 12)
            }
        }
        let content = append(names)
        let heap = append(
            Array("HEAP".utf8) + [0, 0, 0, 0] + number(UInt64(names.count)) + number(1)
                + number(content)
        )
        let node = append(
            Array("SNOD".utf8) + [1, 0] + number(UInt64(links.count), 2) + entries
                + [UInt8](repeating: 0, count: max(0, 320 - entries.count))
        )
        var tree = Array("TREE".utf8) + [0, 0] + number(links.isEmpty ? 0 : 1, 2)
        tree += number(Self.undefined) + number(Self.undefined)
        tree += number(0) + number(node) + number(last)
        tree += [UInt8](repeating: 0, count: 544 - tree.count)
        return (append(tree), heap)
    }

    /// The file with that group as its root.
    public func file(root: UInt64) -> [UInt8] {
        var file = bytes
        var block = Self.signature + [0, 0, 0, 0, 0, 8, 8, 0]
        block += number(4, 2) + number(16, 2) + number(0, 4)
        block += number(0) + number(Self.undefined) + number(end) + number(Self.undefined)
        block += number(0) + number(root) + number(0, 24)
        file.replaceSubrange(0..<block.count, with: block)
        return file
    }

    /// A file with these objects at its root.
    public static func file(
        _ build: (inout HDF5Builder) -> [(name: String, link: Link)]
    ) -> [UInt8] {
        var builder = HDF5Builder()
        let links = build(&builder)
        let root = builder.group(links.map { (Array($0.name.utf8), $0.link) })
        return builder.file(root: root)
    }

    // MARK: Messages

    public static func space(_ dimensions: [UInt64]) -> Message {
        Message(
            0x01,
            [1, UInt8(dimensions.count), 0, 0, 0, 0, 0, 0] + dimensions.flatMap { number($0) }
        )
    }

    public static func type(
        _ kind: UInt8,
        bits: [UInt8] = [0, 0, 0],
        size: UInt64,
        _ more: [UInt8] = []
    ) -> Message {
        Message(0x03, [0x10 | kind] + bits + number(size, 4) + more)
    }

    public static let float32 = type(
        1,
        bits: [0x20, 0x1F, 0],
        size: 4,
        [0, 0, 32, 0, 23, 8, 0, 23] + number(127, 4)
    )

    public static func contiguous(_ address: UInt64, _ size: UInt64) -> Message {
        Message(0x08, [3, 1] + number(address) + number(size))
    }

    public static func compact(_ bytes: [UInt8]) -> Message {
        Message(0x08, [3, 0] + number(UInt64(bytes.count), 2) + bytes)
    }

    /// - Parameter tree: the B-tree of the chunks.
    public static func chunked(_ tree: UInt64, _ chunk: [UInt64], elementSize: UInt64 = 4)
        -> Message
    {
        Message(
            0x08,
            [3, 2, UInt8(chunk.count + 1)] + number(tree)
                + (chunk + [elementSize]).flatMap { number($0, 4) }
        )
    }

    public static func filters(_ numbers: [(filter: UInt64, values: [UInt64])]) -> Message {
        var body: [UInt8] = [1, UInt8(numbers.count), 0, 0, 0, 0, 0, 0]
        for (filter, values) in numbers {
            body += number(filter, 2) + number(0, 2) + number(0, 2)
            body += number(UInt64(values.count), 2) + values.flatMap { number($0, 4) }
            if !values.count.isMultiple(of: 2) { body += [0, 0, 0, 0] }
        }
        return Message(0x0B, body)
    }

    /// A tree of one node for chunks: their packed bytes and where in the dataset they begin.
    public mutating func chunkTree(
        _ chunks: [(start: [UInt64], place: UInt64, size: UInt64)],
        rank: Int
    ) -> UInt64 {
        var tree = Array("TREE".utf8) + [1, 0] + number(UInt64(chunks.count), 2)
        tree += number(Self.undefined) + number(Self.undefined)
        for (start, place, size) in chunks {
            tree += number(size, 4) + number(0, 4)
            tree += start.flatMap { number($0) } + number(0) + number(place)
        }
        let keySize = 8 + 8 * (rank + 1)
        tree += [UInt8](repeating: 0, count: 24 + 64 * 8 + 65 * keySize - tree.count)
        return append(tree)
    }
}
