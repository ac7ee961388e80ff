/// A written GGUF file, read by ggml's description of the format.
struct WrittenGGUF {
    struct Broken: Error {}

    struct Tensor {
        /// As the file has them: the innermost first.
        let dimensions: [Int]
        let type: Int
        /// From where the data begin.
        let offset: Int
    }

    private(set) var numbers: [String: [Int]] = [:]
    private(set) var texts: [String: [String]] = [:]
    private(set) var tensors: [String: Tensor] = [:]
    private let content: [UInt8]
    private var position = 0
    private var data = 0

    var dataByteCount: Int { content.count - data }

    init(_ content: [UInt8]) throws {
        self.content = content
        guard Array(content.prefix(4)) == Array("GGUF".utf8) else { throw Broken() }
        position = 4
        guard try number(4) == 3 else { throw Broken() }
        let (tensorCount, pairCount) = (try number(8), try number(8))
        for _ in 0..<pairCount {
            let key = try text()
            let type = try number(4)
            if type == 9 {
                let inner = try number(4)
                let count = try number(8)
                for _ in 0..<count { try value(key, inner) }
            } else {
                try value(key, type)
            }
        }
        for _ in 0..<tensorCount {
            let name = try text()
            let rank = try number(4)
            let dimensions = try (0..<rank).map { _ in try number(8) }
            tensors[name] = Tensor(
                dimensions: dimensions,
                type: try number(4),
                offset: try number(8)
            )
        }
        data = (position + 31) / 32 * 32
    }

    func bytes(_ tensor: Tensor, count: Int) -> [UInt8] {
        Array(content[data + tensor.offset..<data + tensor.offset + count])
    }

    private mutating func value(_ key: String, _ type: Int) throws {
        switch type {
        case 4, 5, 6: numbers[key, default: []].append(try number(4))
        case 7: numbers[key, default: []].append(try number(1))
        case 8: texts[key, default: []].append(try text())
        default: throw Broken()
        }
    }

    private mutating func number(_ count: Int) throws -> Int {
        guard position + count <= content.count else { throw Broken() }
        defer { position += count }
        return content[position..<position + count].reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    private mutating func text() throws -> String {
        let count = try number(8)
        guard position + count <= content.count else { throw Broken() }
        defer { position += count }
        return String(decoding: content[position..<position + count], as: UTF8.self)
    }
}
