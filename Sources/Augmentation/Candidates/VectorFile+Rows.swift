import Diagnostics
import Kernels

/// The rows of a file of vectors, one after another.
extension VectorFile {
    private mutating func add(_ bytes: some Collection<UInt8>, _ path: String) throws(Failure) {
        let row = words.count
        guard let word = String(validating: bytes, as: UTF8.self) else {
            let shown = String(decoding: bytes, as: UTF8.self)
            throw Failure(
                .badData,
                path,
                "row \(row + 1): its word \"\(printable(shown))\" is not UTF-8"
            )
        }
        guard !word.isEmpty else {
            throw Failure(.badData, path, "row \(row + 1) has no word before its numbers")
        }
        // Canonical twins are equal to Swift, and are two words all the same.
        if let other = rows[word], words[other].utf8.elementsEqual(word.utf8) {
            throw Failure(
                .badData,
                path,
                "the word \"\(printable(word))\" stands twice, in rows \(other + 1) and \(row + 1)"
            )
        }
        if rows[word] == nil { rows[word] = row }
        words.append(word)
    }

    // MARK: Binary

    mutating func readBinary(_ reader: ByteReader, _ most: Int) throws(Failure) {
        let size = 4 * dimension
        while words.count < most {
            let row = words.count
            guard
                let word = try reader.take(
                    upTo: Self.space,
                    limit: Self.longestWord,
                    { "row \(row + 1): the word" }
                )
            else { return }
            try add(word.bytes.drop { $0 == Self.lineFeed }, reader.path)
            let bytes = try reader.look(size)
            guard bytes.count == size else {
                throw Failure(
                    .badData,
                    reader.path,
                    "row \(row + 1) is cut: \(bytes.count) bytes of its vector's \(size)"
                )
            }
            let target = vectors.base + row * dimension
            let number = bytes.withUnsafeBytes { raw -> Int? in
                for index in 0..<dimension {
                    let bits = raw.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)
                    target[index] = Float(bitPattern: UInt32(littleEndian: bits))
                    if !target[index].isFinite { return index }
                }
                return nil
            }
            if let number {
                throw Failure(
                    .badData,
                    reader.path,
                    "row \(row + 1) (\"\(printable(words[row]))\"): number \(number + 1) is not finite"
                )
            }
            reader.skip(size)
        }
    }

    // MARK: Text

    mutating func readText(
        _ reader: ByteReader,
        _ limit: Int,
        _ most: Int
    ) throws(Failure) {
        var fields: [Range<Int>] = []
        while words.count < most {
            let row = words.count + 1
            guard
                let line = try reader.take(
                    upTo: Self.lineFeed,
                    limit: Self.longestLine,
                    { "row \(row)" }
                )
            else { return }
            Self.split(line.bytes, into: &fields)
            // Blank lines at the end are no rows; anywhere else the next row is one too many.
            if fields.isEmpty, try Self.isAtEnd(reader) { return }
            try add(line.bytes, fields, isEnded: line.isEnded, reader.path)
        }
    }

    /// The stretches between blanks, as offsets from the line's start.
    private static func split(_ line: ArraySlice<UInt8>, into fields: inout [Range<Int>]) {
        fields.removeAll(keepingCapacity: true)
        line.withUnsafeBufferPointer { bytes in
            var index = 0
            while index < bytes.count {
                while index < bytes.count, isBlank(bytes[index]) { index += 1 }
                let start = index
                while index < bytes.count, !isBlank(bytes[index]) { index += 1 }
                if index > start { fields.append(start..<index) }
            }
        }
    }

    private mutating func add(
        _ line: ArraySlice<UInt8>,
        _ fields: [Range<Int>],
        isEnded: Bool,
        _ path: String
    ) throws(Failure) {
        let row = words.count
        let target = vectors.base + row * dimension
        /// The last `dimension` fields' first that is no number, and whether an earlier one is.
        let (bad, isLonger) = line.withUnsafeBufferPointer { bytes -> (Range<Int>?, Bool) in
            func number(_ field: Range<Int>) -> Float? {
                DecimalNumber.parse(UnsafeBufferPointer(rebasing: bytes[field]))
            }
            guard fields.count > dimension else { return (nil, false) }
            let first = fields.count - dimension
            for (index, field) in fields[first...].enumerated() {
                guard let value = number(field) else { return (field, false) }
                target[index] = value
            }
            return (nil, fields[1..<first].contains { number($0) != nil })
        }
        guard fields.count > dimension, !isLonger else {
            let found = max(0, fields.count - 1)
            throw Failure(
                .badData,
                path,
                "row \(row + 1) has \(found) numbers, where \(dimension) are expected",
                remedy: isEnded ? nil : "The file seems to be cut; copy it again"
            )
        }
        if let bad {
            let text = String(
                decoding: line.dropFirst(bad.lowerBound).prefix(bad.count),
                as: UTF8.self
            )
            throw Failure(
                .badData,
                path,
                "row \(row + 1): \"\(printable(text))\" is no finite number"
            )
        }
        // Some words have blanks in them.
        let word = fields[0].lowerBound..<fields[fields.count - dimension - 1].upperBound
        try add(line.dropFirst(word.lowerBound).prefix(word.count), path)
    }
}
