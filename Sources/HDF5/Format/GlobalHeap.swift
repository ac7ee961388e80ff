/// A collection of texts of any length.
///
/// - Source: HDF5 File Format Specification 3.0, section III.E.
struct GlobalHeap {
    private var objects: [UInt64: Fields] = [:]
    private let address: UInt64

    init(_ reader: inout Reader, at address: UInt64) throws(Damage) {
        self.address = address
        let kind = "the global heap"
        var head = try reader.block(address, 16, kind)
        try head.signature("GCOL")
        try head.version(1)
        try head.skip(3)
        let size = try head.integer(8)
        var heap = try reader.block(address, size, kind)
        try heap.skip(16)
        while heap.remaining >= 16 {
            let number = try heap.number(2)
            try heap.skip(6)
            let length = try heap.integer(8)
            // Object 0 is the free space.
            if number == 0 { break }
            let object = try heap.part(length, "an object of the global heap at \(address)")
            guard objects.updateValue(object, forKey: number) == nil else {
                throw heap.damaged("has two objects of one number")
            }
            try heap.skip(min(heap.remaining, (8 - length % 8) % 8))
        }
    }

    /// The first bytes of an object.
    func bytes(_ number: UInt64, _ count: Int) throws(Damage) -> [UInt8] {
        guard var object = objects[number], count <= object.remaining else {
            throw Damage("the global heap at \(address) does not hold a text")
        }
        return try object.array(count)
    }
}

extension Reader {
    /// A text of variable length, by its reference.
    mutating func variableText(_ reference: inout Fields) throws(Damage) -> [UInt8] {
        let count = try reference.integer(4)
        let (address, number) = (try reference.address(), try reference.number(4))
        if count == 0 || address == 0 || address == Self.undefined { return [] }
        if globalHeaps[address] == nil {
            globalHeaps[address] = try GlobalHeap(&self, at: address)
        }
        guard let heap = globalHeaps[address] else { return [] }
        try spend(UInt64(count), "a text of the global heap at \(address)")
        return try heap.bytes(number, count)
    }
}
