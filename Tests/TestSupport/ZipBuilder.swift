/// A naive cyclic redundancy check, bit by bit.
package func cyclicRedundancyCheck(_ bytes: [UInt8], reversedPolynomial: UInt32) -> UInt32 {
    ~bytes.reduce(~0) { remainder, byte in
        (0..<8).reduce(remainder ^ UInt32(byte)) { remainder, _ in
            remainder & 1 == 0 ? remainder >> 1 : remainder >> 1 ^ reversedPolynomial
        }
    }
}

package func littleEndian(_ value: some BinaryInteger, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

/// Builds zip archives, well-formed ones and others.
package struct ZipBuilder {
    package struct Entry {
        package var name: [UInt8]
        package var bytes: [UInt8]
        /// What the header and the directory say.
        package var flags: (local: Int, central: Int) = (0, 0)
        package var method: (local: Int, central: Int) = (0, 0)
        package var byteCount: (local: Int, central: Int)
        package var checksum: (local: UInt32, central: UInt32)
        package var localName: [UInt8]
        package var extra: [UInt8] = []
        /// What is added to the header's place in the directory.
        package var displacement = 0
        package var isWide = false

        package init(_ name: String, _ bytes: [UInt8]) {
            self.name = Array(name.utf8)
            localName = self.name
            self.bytes = bytes
            byteCount = (bytes.count, bytes.count)
            let check = cyclicRedundancyCheck(bytes, reversedPolynomial: 0xEDB8_8320)
            checksum = (check, check)
        }
    }

    package var entries: [Entry]
    package var comment: [UInt8] = []
    package var isWide = false
    /// What the end record says, when that is not how it is.
    package var entryCount: Int?
    package var directoryOffset: Int?

    package init(_ entries: [Entry]) {
        self.entries = entries
    }

    package func bytes() -> [UInt8] {
        var file: [UInt8] = []
        var directory: [UInt8] = []
        for entry in entries {
            let place = file.count + entry.displacement
            let wide = entry.isWide
            func sizes(_ count: Int, place: Int?) -> (fields: [UInt8], extra: [UInt8]) {
                guard wide else { return (littleEndian(count, 4) + littleEndian(count, 4), []) }
                let values =
                    littleEndian(count, 8) + littleEndian(count, 8)
                    + (place.map { littleEndian($0, 8) } ?? [])
                return (
                    [UInt8](repeating: 0xFF, count: 8),
                    [1, 0] + littleEndian(values.count, 2) + values
                )
            }
            let local = sizes(entry.byteCount.local, place: nil)
            file += [0x50, 0x4B, 3, 4, 20, 0] + littleEndian(entry.flags.local, 2)
            file += littleEndian(entry.method.local, 2) + [0, 0, 0, 0]
            file += littleEndian(entry.checksum.local, 4) + local.fields
            file += littleEndian(entry.localName.count, 2)
            file += littleEndian(local.extra.count + entry.extra.count, 2)
            file += entry.localName + local.extra + entry.extra + entry.bytes
            let central = sizes(entry.byteCount.central, place: place)
            directory += [0x50, 0x4B, 1, 2, 20, 0, 20, 0] + littleEndian(entry.flags.central, 2)
            directory += littleEndian(entry.method.central, 2) + [0, 0, 0, 0]
            directory += littleEndian(entry.checksum.central, 4) + central.fields
            directory += littleEndian(entry.name.count, 2) + littleEndian(central.extra.count, 2)
            directory += [UInt8](repeating: 0, count: 10)
            directory += wide ? [0xFF, 0xFF, 0xFF, 0xFF] : littleEndian(place, 4)
            directory += entry.name + central.extra
        }
        let offset = directoryOffset ?? file.count
        let count = entryCount ?? entries.count
        file += directory
        let end = file.count
        if isWide {
            file += [0x50, 0x4B, 6, 6] + littleEndian(44, 8) + [45, 0, 45, 0]
            file +=
                [UInt8](repeating: 0, count: 8) + littleEndian(count, 8) + littleEndian(count, 8)
            file += littleEndian(directory.count, 8) + littleEndian(offset, 8)
            file += [0x50, 0x4B, 6, 7, 0, 0, 0, 0] + littleEndian(end, 8) + [1, 0, 0, 0]
        }
        file += [0x50, 0x4B, 5, 6, 0, 0, 0, 0]
        let counts = isWide ? 0xFFFF : count
        file += littleEndian(counts, 2) + littleEndian(counts, 2)
        file += isWide ? [255, 255, 255, 255] : littleEndian(directory.count, 4)
        file += isWide ? [255, 255, 255, 255] : littleEndian(offset, 4)
        return file + littleEndian(comment.count, 2) + comment
    }
}
