extension Layout.Chunking {
    /// Chunks of a dataset that cannot grow past a bound: an array with a place for each.
    ///
    /// - Source: HDF5 File Format Specification 3.0, section VII.C.
    func findInFixedArray(_ table: inout ChunkTable, _ reader: inout Reader) throws(Damage) {
        var head = try reader.block(address, 28, "FAHD", "the chunks' array")
        try head.version(0)
        let client = try head.integer(1)
        let width = try head.integer(1)
        let pageBits = try head.integer(1)
        let count = try head.integer(8)
        let place = try head.address()
        try table.checkElement(client: client, width: width)
        guard table.largestGrid.map(UInt64.init).checkedProduct() == count, pageBits < 32,
            case (let total, false) = count.multipliedReportingOverflow(by: width),
            UInt64(total) <= reader.byteCount
        else { throw head.damaged("has another number of chunks") }
        guard place != Reader.undefined else { return }
        let pageCount = 1 << pageBits
        let isPaged = count > pageCount
        let pages = isPaged ? (count - 1) / pageCount + 1 : 1
        let prefix = 14 + (isPaged ? (pages + 7) / 8 : total) + 4
        var block = try reader.block(place, prefix, "FADB", "the chunks' array")
        try block.version(0)
        guard try block.integer(1) == client, try block.address() == address else {
            throw block.damaged("belongs to another array")
        }
        guard isPaged else { return try add(0..<count, &block, width, &table, &reader) }
        let written = try block.array((pages + 7) / 8)
        for page in 0..<pages where written[page / 8] & 0x80 >> UInt8(page % 8) != 0 {
            let range = page * pageCount..<min(count, (page + 1) * pageCount)
            let start = UInt64(prefix + page * (pageCount * width + 4))
            guard reader.holds(place, start) else { throw block.damaged("lies outside the file") }
            var fields = try reader.block(
                place + start,
                range.count * width + 4,
                "",
                "a page of the chunks' array"
            )
            try add(range, &fields, width, &table, &reader)
        }
    }

    private func add(
        _ range: Range<Int>,
        _ fields: inout Fields,
        _ width: Int,
        _ table: inout ChunkTable,
        _ reader: inout Reader
    ) throws(Damage) {
        for place in range {
            let position = ChunkTable.position(of: place, in: table.largestGrid)
            try table.add(position, &fields, width: width, &reader)
        }
    }
}
