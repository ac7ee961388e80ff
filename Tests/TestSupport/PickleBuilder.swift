/// Builds pickles, opcode by opcode.
package struct PickleBuilder {
    package var bytes: [UInt8] = [0x80, 2]

    package static func + (builder: PickleBuilder, bytes: [UInt8]) -> PickleBuilder {
        PickleBuilder(bytes: builder.bytes + bytes)
    }

    package static let stop: [UInt8] = [0x2E]
    package static let mark: [UInt8] = [0x28]

    package static func text(_ text: String) -> [UInt8] {
        [0x58] + littleEndian(text.utf8.count, 4) + Array(text.utf8)
    }

    package static func integer(_ value: Int) -> [UInt8] {
        (0..<256).contains(value)
            ? [0x4B, UInt8(value)]
            : Int32(exactly: value) != nil
                ? [0x4A] + littleEndian(value, 4) : [0x8A, 8] + littleEndian(value, 8)
    }

    package static func global(_ module: String, _ name: String) -> [UInt8] {
        [0x63] + Array("\(module)\n\(name)\n".utf8)
    }

    package static func tuple(_ elements: [UInt8]...) -> [UInt8] {
        mark + elements.joined() + [0x74]
    }

    package static func storage(
        _ key: String = "0",
        type: String = "FloatStorage",
        count: Int = 6,
        isLegacy: Bool = false
    ) -> [UInt8] {
        mark + text("storage") + global("torch", type) + text(key) + text("cpu") + integer(count)
            + (isLegacy ? [0x4E] : []) + [0x74, 0x51]
    }

    package static func tensor(
        _ storage: [UInt8] = storage(),
        offset: Int = 0,
        size: [Int] = [2, 3],
        strides: [Int] = [3, 1]
    ) -> [UInt8] {
        global("torch._utils", "_rebuild_tensor_v2")
            + tuple(
                storage,
                integer(offset),
                mark + size.flatMap { integer($0) } + [0x74],
                mark + strides.flatMap { integer($0) } + [0x74],
                [0x89],
                global("collections", "OrderedDict") + [0x29, 0x52]
            ) + [0x52]
    }

    package static func dictionary(_ members: (String, [UInt8])...) -> [UInt8] {
        [0x7D] + mark + members.flatMap { text($0.0) + $0.1 } + [0x75]
    }

    package static func pickle(_ value: [UInt8]) -> [UInt8] { [0x80, 2] + value + stop }

    /// The archive that `torch.save` makes of that pickle and those storages.
    package static func archive(
        _ pickle: [UInt8],
        storages: [String: [UInt8]] = ["0": floats(6)],
        byteOrder: String? = "little"
    ) -> ZipBuilder {
        ZipBuilder(
            [ZipBuilder.Entry("archive/data.pkl", pickle)]
                + (byteOrder.map { [ZipBuilder.Entry("archive/byteorder", Array($0.utf8))] } ?? [])
                + storages.sorted { $0.key < $1.key }.map {
                    ZipBuilder.Entry("archive/data/\($0.key)", $0.value)
                } + [ZipBuilder.Entry("archive/version", Array("3\n".utf8))]
        )
    }

    /// 0, 1, 2 … as little-endian floats.
    package static func floats(_ count: Int) -> [UInt8] {
        (0..<count).flatMap { littleEndian(Float($0).bitPattern, 4) }
    }

    /// The file that PyTorch wrote before 1.6.
    package static func legacy(
        _ value: [UInt8],
        keys: [String] = ["0"],
        storages: [UInt8] = littleEndian(6, 8) + floats(6),
        magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19],
        version: Int = 1001,
        isLittleEndian: Bool = true
    ) -> [UInt8] {
        pickle([0x8A, UInt8(magic.count)] + magic) + pickle(integer(version))
            + pickle(dictionary(("little_endian", [isLittleEndian ? 0x88 : 0x89])))
            + pickle(value) + pickle([0x5D] + mark + keys.flatMap { text($0) } + [0x65]) + storages
    }
}
