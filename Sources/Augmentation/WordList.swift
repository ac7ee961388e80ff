/// Words that may stand in the place of others, end to end.
struct WordList: Sendable {
    private(set) var bytes: [UInt8] = []
    /// [words + 1]
    private(set) var offsets = [0]
    private(set) var spacings: [Spacing] = []

    var count: Int { spacings.count }

    mutating func append(_ word: some Collection<UInt8>) {
        let start = bytes.count
        bytes.append(contentsOf: word)
        offsets.append(bytes.count)
        spacings.append(
            bytes.withUnsafeBufferPointer { Spacing($0, start..<$0.count) }
        )
    }

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        offsets.removeLast(offsets.count - 1)
        spacings.removeAll(keepingCapacity: true)
    }

    func word(_ number: Int) -> ArraySlice<UInt8> { bytes[offsets[number]..<offsets[number + 1]] }
}
