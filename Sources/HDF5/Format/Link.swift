/// A name in a group, and what it names.
struct Link {
    enum Target {
        case object(_ address: UInt64, remembered: SymbolTable?)
        /// A path, another file, or what a program of its own finds.
        case elsewhere
    }

    let name: [UInt8]
    let target: Target

    init(name: [UInt8], target: Target) {
        (self.name, self.target) = (name, target)
    }

    /// - Source: HDF5 File Format Specification 3.0, section IV.A.2.g.
    init(_ body: inout Fields) throws(Damage) {
        try body.version(1)
        let flags = try body.integer(1)
        let kind = flags & 8 != 0 ? try body.integer(1) : 0
        try body.skip((flags & 4 != 0 ? 8 : 0) + (flags & 16 != 0 ? 1 : 0))
        name = try body.array(try body.integer(1 << (flags & 3)))
        target = kind == 0 ? .object(try body.address(), remembered: nil) : .elsewhere
    }
}

extension ObjectHeader {
    var isGroup: Bool { message(.symbolTable) != nil || message(.linkInfo) != nil }

    /// What a group names, in the order of the bytes of the names.
    func links(_ reader: inout Reader) throws(Damage) -> [Link] {
        var links: [Link] = []
        if var body = try body(.symbolTable) {
            links = try SymbolTable(&body).links(&reader)
        }
        for message in messages where message.kind == .link {
            guard !message.isShared else { throw message.body.damaged("is shared") }
            var body = message.body
            links.append(try Link(&body))
        }
        if var info = try body(.linkInfo) { try addDenseLinks(&info, &reader, &links) }
        return links.sorted { $0.name.lexicographicallyPrecedes($1.name) }
    }

    /// - Source: HDF5 File Format Specification 3.0, sections IV.A.2.c and III.A.2, type 5.
    private func addDenseLinks(
        _ info: inout Fields,
        _ reader: inout Reader,
        _ links: inout [Link]
    ) throws(Damage) {
        try info.version(0)
        try info.skip(try info.integer(1) & 1 != 0 ? 8 : 0)
        let (heapAddress, index) = (try info.address(), try info.address())
        guard heapAddress != Reader.undefined else { return }
        let heap = try FractalHeap(&reader, at: heapAddress)
        let tree = try BTree2(&reader, at: index, kind: 5)
        try tree.visit(&reader) { (record, reader) throws(Damage) in
            let hash = try record.number(4)
            var object = try heap.object(&record, &reader)
            let link = try Link(&object)
            guard UInt64(Lookup3.checksum(link.name[...])) == hash else {
                throw object.damaged("has another name than its index says")
            }
            links.append(link)
        }
    }
}
