/// The checksum of HDF5's newer structures: Bob Jenkins' lookup3, from 0.
///
/// - Source: Jenkins, lookup3.c, `hashlittle`; HDF5 File Format Specification 3.0, section III.G on.
package enum Lookup3 {
    package static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.withUnsafeBufferPointer(checksum)
    }

    private static func checksum(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt32 {
        func word(_ place: Int) -> UInt32 {
            var word: UInt32 = 0
            for index in 0..<4 where place + index < bytes.count {
                word |= UInt32(bytes[place + index]) << UInt32(8 * index)
            }
            return word
        }
        func rotated(_ value: UInt32, _ count: UInt32) -> UInt32 {
            value << count | value >> (32 - count)
        }
        let seed = 0xDEAD_BEEF &+ UInt32(truncatingIfNeeded: bytes.count)
        var (a, b, c) = (seed, seed, seed)
        var place = 0
        while bytes.count - place > 12 {
            a &+= word(place)
            b &+= word(place + 4)
            c &+= word(place + 8)
            a = (a &- c) ^ rotated(c, 4)
            c &+= b
            b = (b &- a) ^ rotated(a, 6)
            a &+= c
            c = (c &- b) ^ rotated(b, 8)
            b &+= a
            a = (a &- c) ^ rotated(c, 16)
            c &+= b
            b = (b &- a) ^ rotated(a, 19)
            a &+= c
            c = (c &- b) ^ rotated(b, 4)
            b &+= a
            place += 12
        }
        guard bytes.count > place else { return c }
        a &+= word(place)
        b &+= word(place + 4)
        c &+= word(place + 8)
        c = (c ^ b) &- rotated(b, 14)
        a = (a ^ c) &- rotated(c, 11)
        b = (b ^ a) &- rotated(a, 25)
        c = (c ^ b) &- rotated(b, 16)
        a = (a ^ c) &- rotated(c, 4)
        b = (b ^ a) &- rotated(a, 14)
        c = (c ^ b) &- rotated(b, 24)
        return c
    }
}
