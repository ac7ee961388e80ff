/// What an object notes of itself, as far as it is text.
///
/// - Source: HDF5 File Format Specification 3.0, section IV.A.2.m.
struct Attribute: Sendable {
    enum Value: Sendable {
        case texts([[UInt8]])
        case isNoText
        /// More than a list of names has, or of more dimensions.
        case isNoList
    }

    static let mostTexts = 100_000

    let name: [UInt8]
    let value: Value

    /// Whether the attribute is this one text.
    func isText(_ text: String) -> Bool {
        guard case .texts(let texts) = value else { return false }
        return texts.count == 1 && texts[0].elementsEqual(text.utf8)
    }

    init(_ fields: inout Fields, _ reader: inout Reader) throws(Damage) {
        let version = try fields.integer(1)
        let flags = try fields.integer(1)
        guard (1...3).contains(version) else { throw fields.damaged("is of version \(version)") }
        let sizes = (
            try fields.integer(2), try fields.integer(2), try fields.integer(2)
        )
        if version == 3 { try fields.skip(1) }
        func padded(_ size: Int) -> Int { version == 1 ? (size + 7) / 8 * 8 : size }
        var nameBytes = try fields.array(padded(sizes.0))
        guard let end = nameBytes.firstIndex(of: 0) else {
            throw fields.damaged("has a name without an end")
        }
        nameBytes.removeSubrange(end...)
        name = nameBytes
        var typeBytes = try fields.part(padded(sizes.1), "an attribute's type")
        let type = try reader.datatype(&typeBytes, isShared: version > 1 && flags & 1 != 0)
        guard version == 1 || flags & 2 == 0 else {
            throw .unsupported("shares its messages with other objects")
        }
        var spaceBytes = try fields.part(padded(sizes.2), "an attribute's extents")
        let space = try Dataspace(&spaceBytes)
        guard let count = space.count,
            case (let total, false) = count.multipliedReportingOverflow(by: type.byteCount),
            total <= fields.remaining
        else { throw fields.damaged("has more values than bytes") }
        if space.dimensions.count > 1 || count > Self.mostTexts {
            value = .isNoList
        } else if count == 0 {
            value = .texts([])
        } else if let text = type.text {
            var texts: [[UInt8]] = []
            for _ in 0..<count {
                texts.append(try Self.text(text, type.byteCount, &fields, &reader))
            }
            value = .texts(texts)
        } else {
            value = .isNoText
        }
    }

    private static func text(
        _ kind: Datatype.Text,
        _ byteCount: Int,
        _ fields: inout Fields,
        _ reader: inout Reader
    ) throws(Damage) -> [UInt8] {
        switch kind {
        case .variable:
            return Array(try reader.variableText(&fields).prefix { $0 != 0 })
        case .fixed(let isSpacePadded):
            let text = try fields.array(byteCount).prefix { $0 != 0 }
            guard isSpacePadded else { return Array(text) }
            return Array(text.reversed().drop { $0 == 0x20 }.reversed())
        }
    }
}

extension ObjectHeader {
    /// All attributes, by name.
    func attributes(_ reader: inout Reader) throws(Damage) -> [String: Attribute] {
        var attributes: [String: Attribute] = [:]
        func add(_ body: inout Fields, _ reader: inout Reader) throws(Damage) {
            let attribute = try Attribute(&body, &reader)
            // No attribute that is asked for has another name.
            guard let name = String(validating: attribute.name, as: UTF8.self) else { return }
            guard attributes.updateValue(attribute, forKey: name) == nil else {
                throw body.damaged("has the name of another attribute")
            }
        }
        for message in messages where message.kind == .attribute {
            guard !message.isShared else {
                throw .unsupported("shares its messages with other objects")
            }
            var body = message.body
            try add(&body, &reader)
        }
        guard var info = try body(.attributeInfo) else { return attributes }
        try info.version(0)
        try info.skip(try info.integer(1) & 1 != 0 ? 2 : 0)
        let (heapAddress, index) = (try info.address(), try info.address())
        guard heapAddress != Reader.undefined else { return attributes }
        let heap = try FractalHeap(&reader, at: heapAddress)
        // - Source: HDF5 File Format Specification 3.0, section III.A.2, type 8.
        try BTree2(&reader, at: index, kind: 8).visit(&reader) { (record, reader) throws(Damage) in
            var object = try heap.object(&record, &reader)
            guard try record.number(1) & 2 == 0 else {
                throw Damage.unsupported("shares its messages with other objects")
            }
            try add(&object, &reader)
        }
        return attributes
    }
}
