import Checkpoints
import Testing

private typealias Bundle = BundleBuilder

@Suite struct `Hostile tables` {
    @Test func `packed blocks that break a rule are refused`() throws {
        let cases: [(phrase: String, bytes: [UInt8])] = [
            ("cut short", []), ("cut short", [5, 0]), ("cut short", [5, 0x10, 1]),
            ("more bytes than there may be", [0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, 1]),
            ("more bytes than there may be", [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1]),
            ("another number of bytes", [5, 0, 1]), ("another number", [1, 4, 1, 2]),
            ("another number", [4, 0, 1, 1, 1]),
            ("from before its beginning", [5, 0, 1, 1, 2]), ("from before", [5, 1, 1]),
            ("from before", [5, 0, 1, 1, 0]), ("cut short", [5, 0, 1, 2, 1]),
            ("from before", [5, 0, 1, 3, 255, 255, 255, 255]), ("cut short", [5, 0xFC, 255, 255]),
            ("another number", [5, 0xFC, 255, 255, 255, 255]),
        ]
        for (phrase, bytes) in cases {
            var bundle = sampleBundle()
            bundle.compression = 1
            bundle.pack = { _ in bytes }
            let reason = try checkpointRefusal(bundle.index())
            #expect(reason.contains(phrase) && reason.contains("cannot be unpacked"), "\(reason)")
        }
    }

    /// A table of one block of that content.
    private func table(_ content: [UInt8], index: [UInt8]? = nil) -> [UInt8] {
        let varint = Bundle.varint
        let place = varint(0) + varint(content.count)
        let stored = Bundle.stored(content)
        let blocks = [Bundle.block([]), index ?? Bundle.block([([0xFF], place)])]
        var handles: [UInt8] = []
        var file = stored
        for block in blocks {
            handles += varint(file.count) + varint(block.count)
            file += Bundle.stored(block)
        }
        return file + Bundle.footer(handles)
    }

    @Test func `tables that break a rule are refused`() throws {
        let varint = Bundle.varint
        let cases: [(phrase: String, file: [UInt8])] = [
            ("has no header", table(Bundle.block([]), index: Bundle.block([]))),
            ("has no header", table(Bundle.block([([0x61], [1])]))),
            ("is cut short", table([1, 0, 0])), ("is cut short", table([0, 0, 0, 0, 2, 0, 0, 0])),
            ("is cut short", table([0, 0, 9, 0, 0, 0, 0, 1, 0, 0, 0])),
            ("shares 1 bytes with one of 0", table([1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0])),
            ("names whole keys", table([0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0])),
            (
                "keys after those",
                table(Bundle.block([([0x62], [])]), index: Bundle.block([([0x61], [0, 12])]))
            ),
            (
                "is not in the file",
                table(Bundle.block([]), index: Bundle.block([([0x61], [0] + varint(9999))]))
            ),
            (
                "is not in the file",
                table([], index: Bundle.block([([0x61], varint(-1) + varint(-1))]))
            ),
            (
                "overlaps the one before it",
                table(
                    Bundle.block([([], [])]),
                    index: Bundle.block([([0x61], [0, 11]), ([0x62], [0, 11])])
                )
            ),
            ("of the old version 1", table(Bundle.block([([], [0x0A, 0])]))),
            ("checksum does not agree", [0] + table(Bundle.block([]))),
        ]
        for (phrase, file) in cases {
            let reason = try checkpointRefusal(file)
            #expect(reason.contains(phrase), "\(reason)")
        }
    }

    @Test func `keys that share everything take no memory that the file does not have`() throws {
        // A key of 10 kB, and then 20,000 entries that repeat it with one more byte.
        let long = [UInt8](repeating: 0x61, count: 10_000)
        var content = [0] + Bundle.varint(long.count) + [0] + long
        for index in 0..<20_000 {
            content += Bundle.varint(long.count + index) + [1, 0, 0x61]
        }
        content += [0, 0, 0, 0, 1, 0, 0, 0]
        #expect(try checkpointRefusal(table(content)).contains("takes more than"))
    }
}
