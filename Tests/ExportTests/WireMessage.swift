/// A message of Protocol Buffers as a list of its fields: a reader that shares nothing with the writer.
struct WireMessage {
    enum Content {
        case number(UInt64)
        case single(Float)
        case bytes(ArraySlice<UInt8>)
    }

    struct Broken: Error {}

    let fields: [(number: Int, content: Content)]

    init(_ bytes: ArraySlice<UInt8>) throws {
        var rest = bytes
        func varint() throws -> UInt64 {
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 70, by: 7) {
                guard let byte = rest.popFirst() else { throw Broken() }
                value |= UInt64(byte & 0x7F) << shift
                if byte < 0x80 { return value }
            }
            throw Broken()
        }
        var fields: [(number: Int, content: Content)] = []
        while !rest.isEmpty {
            let tag = try varint()
            let content: Content
            switch tag & 7 {
            case 0: content = .number(try varint())
            case 5:
                guard rest.count >= 4 else { throw Broken() }
                let bits = rest.prefix(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
                content = .single(Float(bitPattern: bits))
                rest = rest.dropFirst(4)
            case 2:
                let count = Int(try varint())
                guard count <= rest.count else { throw Broken() }
                content = .bytes(rest.prefix(count))
                rest = rest.dropFirst(count)
            default: throw Broken()
            }
            fields.append((Int(tag >> 3), content))
        }
        self.fields = fields
    }

    func numbers(_ field: Int) -> [Int] {
        fields.compactMap { number, content in
            guard number == field, case .number(let value) = content else { return nil }
            return Int(Int64(bitPattern: value))
        }
    }

    func single(_ field: Int) -> Float? {
        fields.lazy.compactMap { number, content in
            guard number == field, case .single(let value) = content else { return nil }
            return value
        }.first
    }

    func bytes(_ field: Int) -> [ArraySlice<UInt8>] {
        fields.compactMap { number, content in
            guard number == field, case .bytes(let value) = content else { return nil }
            return value
        }
    }

    func texts(_ field: Int) -> [String] {
        bytes(field).map { String(decoding: $0, as: UTF8.self) }
    }

    func messages(_ field: Int) throws -> [WireMessage] { try bytes(field).map(WireMessage.init) }
}
