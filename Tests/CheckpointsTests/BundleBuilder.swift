import TestSupport

/// Builds the index of TensorFlow checkpoints, well-formed ones and others.
struct BundleBuilder {
    struct Tensor {
        var name: [UInt8]
        var type = 1
        var dimensions: [Int]
        var shard = 0
        var offset: Int
        var byteCount: Int
        var checksum: UInt32
        /// What follows the known fields.
        var extra: [UInt8] = []

        init(_ name: String, _ dimensions: [Int], at offset: Int, _ bytes: [UInt8]) {
            self.name = Array(name.utf8)
            self.dimensions = dimensions
            self.offset = offset
            byteCount = bytes.count
            checksum = BundleBuilder.maskedCheck(bytes)
        }

        var message: [UInt8] {
            let shape = dimensions.flatMap { extent -> [UInt8] in
                let size = [8] + varint(extent)
                return [0x12] + varint(size.count) + size
            }
            return [8] + varint(type) + [0x12] + varint(shape.count) + shape
                + [0x18] + varint(shard) + [0x20] + varint(offset) + [0x28] + varint(byteCount)
                + [0x35] + littleEndian(checksum, 4) + extra
        }
    }

    var tensors: [Tensor]
    var shardCount = 1
    var endianness = 0
    var neededVersion = 0
    /// How many entries a block has; keys are whole every second entry.
    var entriesPerBlock = 3
    /// The type of compression, and how a block is packed for it.
    var compression: UInt8 = 0
    var pack: ([UInt8]) -> [UInt8] = { $0 }
    var isSorted = true

    init(_ tensors: [Tensor]) {
        self.tensors = tensors
    }

    static func maskedCheck(_ bytes: [UInt8]) -> UInt32 {
        let check = cyclicRedundancyCheck(bytes, reversedPolynomial: 0x82F6_3B78)
        return (check >> 15 | check << 17) &+ 0xA282_EAD8
    }

    static func varint(_ value: Int) -> [UInt8] {
        var rest = UInt64(bitPattern: Int64(value))
        var bytes: [UInt8] = []
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    /// A block's content.
    static func block(_ entries: [(key: [UInt8], value: [UInt8])]) -> [UInt8] {
        var bytes: [UInt8] = []
        var restarts: [Int] = entries.isEmpty ? [0] : []
        var previous: [UInt8] = []
        for (index, entry) in entries.enumerated() {
            if index % 2 == 0 {
                restarts.append(bytes.count)
                previous = []
            }
            let shared = zip(previous, entry.key).prefix { $0 == $1 }.count
            bytes += varint(shared) + varint(entry.key.count - shared) + varint(entry.value.count)
            bytes += entry.key[shared...] + entry.value
            previous = entry.key
        }
        return bytes + restarts.flatMap { littleEndian($0, 4) } + littleEndian(restarts.count, 4)
    }

    /// The content of a block with what follows it in a file.
    static func stored(_ content: [UInt8], compression: UInt8 = 0) -> [UInt8] {
        content + [compression] + littleEndian(maskedCheck(content + [compression]), 4)
    }

    func index() -> [UInt8] {
        var header: [UInt8] = [8] + Self.varint(shardCount) + [0x10] + Self.varint(endianness)
        let version: [UInt8] = [8, 1, 0x10] + Self.varint(neededVersion)
        header += [0x1A] + Self.varint(version.count) + version
        var entries: [(key: [UInt8], value: [UInt8])] = [([], header)]
        let ordered =
            !isSorted
            ? tensors : tensors.sorted { $0.name.lexicographicallyPrecedes($1.name) }
        entries += ordered.map { ($0.name, $0.message) }
        var file: [UInt8] = []
        func add(_ content: [UInt8], _ compression: UInt8) -> [UInt8] {
            let handle = Self.varint(file.count) + Self.varint(content.count)
            file += Self.stored(content, compression: compression)
            return handle
        }
        var places: [(key: [UInt8], value: [UInt8])] = []
        for start in stride(from: 0, to: entries.count, by: entriesPerBlock) {
            let part = Array(entries[start..<min(start + entriesPerBlock, entries.count)])
            places.append((part.last!.key + [0], add(pack(Self.block(part)), compression)))
        }
        let metaindex = add(Self.block([]), 0)
        let index = add(Self.block(places), 0)
        return file + Self.footer(metaindex + index)
    }

    static func footer(_ handles: [UInt8]) -> [UInt8] {
        handles + [UInt8](repeating: 0, count: 40 - handles.count)
            + [0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB]
    }

    /// Snappy's format: literals, and a copy for every stretch of one byte.
    static func snappy(_ bytes: [UInt8]) -> [UInt8] {
        var packed = varint(bytes.count)
        var position = 0
        while position < bytes.count {
            var run = 1
            while position + run < bytes.count, run < 12, bytes[position + run] == bytes[position] {
                run += 1
            }
            packed += [0, bytes[position]]
            // Copies of 4 to 11 bytes from one byte back.
            if run >= 5 { packed += [UInt8(1 | (run - 1 - 4) << 2), 1] }
            position += run >= 5 ? run : 1
        }
        return packed
    }
}

private func varint(_ value: Int) -> [UInt8] { BundleBuilder.varint(value) }
