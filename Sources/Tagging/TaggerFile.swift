import Diagnostics

/// The bytes of a tagger's file, and what they mean (`docs/augmentation.md` has the layout).
enum TaggerFile {
    static let signature: [UInt8] = [0x42, 0x4B, 0x54, 0x41, 0x47, 0x0D, 0x0A, 0x1A]
    static let version: UInt32 = 1
    /// Signature, version and digest.
    static let headerByteCount = 20
    /// More than a tagger can have that is of any use, and less than a machine's memory.
    static let largestByteCount = 1 << 30

    static func bytes(of tagger: PerceptronTagger) -> [UInt8] {
        var body = TaggerFileOutput()
        body.append(number: PartOfSpeech.count)
        for name in PartOfSpeech.names {
            body.append(number: name.utf8.count)
            body.bytes += name.utf8
        }
        body.append(number: tagger.dictionary.entries.count)
        var last = -1
        for entry in tagger.dictionary.entries {
            body.append(number: Int(entry.key) - last - 1)
            last = Int(entry.key)
            body.append(
                number: Int(entry.tags) << 5 | (entry.onlyTag.map { Int($0.rawValue) + 1 } ?? 0)
            )
        }
        body.append(number: tagger.keys.count)
        last = -1
        for (key, row) in zip(tagger.keys, tagger.rows.dropFirst()) {
            body.append(number: Int(key) - last - 1)
            last = Int(key)
            let tags = (0..<PartOfSpeech.count).filter { row[$0] != 0 }
            body.append(number: tags.reduce(0) { $0 | 1 << $1 })
            body.bytes += tags.map { UInt8(bitPattern: Int8(row[$0])) }
        }
        var file = signature
        file += littleEndian(version)
        file += littleEndian(FeatureHash.bytes(body.bytes))
        return file + body.bytes
    }

    /// - Parameter name: what error sentences call the file.
    static func tagger(_ bytes: [UInt8], name: String) throws(Failure) -> PerceptronTagger {
        try check(bytes, name: name)
        var input = TaggerFileInput(bytes[headerByteCount...], name: name)
        let tagCount = try input.number(below: 256, "number of tags")
        var tags: [String] = []
        for _ in 0..<tagCount {
            let count = try input.number(below: 64, "length of a tag")
            tags.append(String(decoding: try input.take(count), as: UTF8.self))
        }
        guard tags == PartOfSpeech.names else {
            throw Failure(
                .badData,
                name,
                "its tags are not those of Universal Dependencies: "
                    + listing(tags.map(printable))
            )
        }
        let entries = try dictionary(&input)
        let features = try features(&input)
        guard input.isAtEnd else {
            throw input.damage("\(input.left) bytes follow the last feature")
        }
        return PerceptronTagger(dictionary: WordDictionary(entries), features: features)
    }

    private static func check(_ bytes: [UInt8], name: String) throws(Failure) {
        guard bytes.starts(with: signature) else {
            let head = Array(bytes.prefix(FileKind.headByteCount))
            if let kind = FileKind(head: head, byteCount: bytes.count) {
                throw kind.failure(name, insteadOf: "a tagger")
            }
            throw Failure(
                .badData,
                name,
                "this is not a tagger",
                remedy: "\"bertkit tagger train\" writes one"
            )
        }
        guard bytes.count >= headerByteCount else {
            throw Failure(.badData, name, "the file ends after \(bytes.count) bytes, in its header")
        }
        let found = UInt32(truncatingIfNeeded: number(bytes[8..<12]))
        guard found == version else {
            throw Failure(
                .badData,
                name,
                "a tagger's file of version \(found); this program reads version \(version)"
            )
        }
        guard number(bytes[12..<20]) == FeatureHash.bytes(bytes[headerByteCount...]) else {
            throw Failure(
                .badData,
                name,
                "its digest does not fit its \(bytes.count) bytes: the file is cut or damaged",
                remedy: "Fetch it again, or train the tagger anew"
            )
        }
    }

    private static func dictionary(
        _ input: inout TaggerFileInput
    ) throws(Failure) -> [WordDictionary.Entry] {
        // A word has two bytes at least.
        let count = try input.number(below: input.left / 2 + 1, "number of words")
        var entries: [WordDictionary.Entry] = []
        entries.reserveCapacity(count)
        var last = -1
        for _ in 0..<count {
            last = try input.key(after: last)
            let value = try input.number(below: 1 << (PartOfSpeech.count + 5), "tags of a word")
            let onlyTag = value & 31
            guard onlyTag <= PartOfSpeech.count else {
                throw input.damage("a word has the tag \(onlyTag)")
            }
            entries.append(
                WordDictionary.Entry(
                    key: UInt32(last),
                    tags: UInt32(value >> 5),
                    onlyTag: onlyTag == 0 ? nil : PartOfSpeech(rawValue: UInt8(onlyTag - 1))
                )
            )
        }
        return entries
    }

    private static func features(
        _ input: inout TaggerFileInput
    ) throws(Failure) -> [PerceptronTagger.Feature] {
        // A feature has three bytes at least.
        let count = try input.number(below: input.left / 3 + 1, "number of features")
        var features: [PerceptronTagger.Feature] = []
        features.reserveCapacity(count)
        var last = -1
        for _ in 0..<count {
            last = try input.key(after: last)
            let tags = try input.number(below: 1 << PartOfSpeech.count, "tags of a feature")
            var weights = PerceptronTagger.Sums.zero
            var rest = tags
            for value in try input.take(tags.nonzeroBitCount) {
                weights[rest.trailingZeroBitCount] = Int16(Int8(bitPattern: value))
                rest &= rest - 1
            }
            features.append(PerceptronTagger.Feature(key: UInt32(last), weights: weights))
        }
        return features
    }

    private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// Numbers of seven bits a byte, the low ones first, the highest bit set in all but the last.
private struct TaggerFileOutput {
    var bytes: [UInt8] = []

    mutating func append(number: Int) {
        var rest = UInt64(number)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

private struct TaggerFileInput {
    private var rest: ArraySlice<UInt8>
    private let name: String

    init(_ bytes: ArraySlice<UInt8>, name: String) {
        rest = bytes
        self.name = name
    }

    var left: Int { rest.count }
    var isAtEnd: Bool { rest.isEmpty }

    func damage(_ what: String) -> Failure {
        Failure(.badData, name, "the tagger's file is damaged: \(what)")
    }

    mutating func take(_ count: Int) throws(Failure) -> ArraySlice<UInt8> {
        guard count <= rest.count else {
            throw damage("\(count) bytes are expected where it has \(rest.count) left")
        }
        defer { rest.removeFirst(count) }
        return rest.prefix(count)
    }

    mutating func number(below limit: Int, _ what: String) throws(Failure) -> Int {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            guard let byte = rest.popFirst(), shift < 63 else {
                throw damage("the \(what) does not end")
            }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { break }
            shift += 7
        }
        guard value < UInt64(limit) else { throw damage("the \(what) is \(value)") }
        return Int(value)
    }

    /// Keys rise: each is written as its distance to the one before.
    mutating func key(after last: Int) throws(Failure) -> Int {
        last + 1 + (try number(below: Int(UInt32.max) - last, "next key"))
    }
}
