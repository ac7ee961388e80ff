import Checkpoints
import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

/// Changes a valid file in one place, or cuts it, `count` times, and opens and reads what comes out:
/// that ends in a `Failure` or in tensors, never in a crash.
///
/// - Parameter open: the file at a URL; its tensors are read, with all their checks.
/// - Returns: how many of the changed files were refused.
@discardableResult
func refusals(
    of bytes: [UInt8],
    at url: URL,
    count: Int,
    seed: UInt64,
    within range: Range<Int>? = nil,
    open: (URL) throws -> any TensorStore
) throws -> Int {
    var generator = SeededGenerator(state: seed)
    var refused = 0
    for _ in 0..<count {
        var changed = bytes
        let place = Int.random(in: range ?? 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<10, using: &generator) {
        case 0..<4: changed[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 4..<6: changed[place] = UInt8.random(in: 0...255, using: &generator)
        case 6..<8: changed[place] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &generator)!
        case 8:
            // A field of eight bytes at an extreme.
            let value = [0, 1, UInt64.max, UInt64(Int.max), 1 << 32].randomElement(
                using: &generator
            )!
            for index in 0..<min(8, changed.count - place) {
                changed[place + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
            }
        default: changed.removeSubrange(place...)
        }
        try Data(changed).write(to: url)
        do {
            try readEverything(open(url))
        } catch is Failure {
            refused += 1
        }
    }
    return refused
}

/// Reads every tensor of a store.
func readEverything(_ store: some TensorStore) throws {
    for entry in store.entries {
        #expect(entry.byteCount <= 1 << 24, "\(entry)")
        var bytes = [UInt8](repeating: 0, count: entry.byteCount)
        try bytes.withUnsafeMutableBytes { try store.read(entry, into: $0) }
    }
}

/// The bytes of one tensor.
func bytes(of entry: TensorEntry, in store: some TensorStore) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: entry.byteCount)
    try bytes.withUnsafeMutableBytes { try store.read(entry, into: $0) }
    return bytes
}

/// Refuses `bytes` as a file of that name, and says why.
func refusal(
    of bytes: [UInt8],
    named name: String = "file",
    open: (URL) throws -> any TensorStore = TensorContainer.open
) throws -> Failure {
    try withTemporaryFolder { folder in
        let url = folder.appending(path: name)
        try Data(bytes).write(to: url)
        let failure = try failure { _ = try open(url) }
        #expect(failure.subject == url.relativePath, "\(failure)")
        return failure
    }
}
