import Diagnostics
import Foundation
import HDF5
import TestSupport
import Testing

/// Files with changed fields are read or refused, and never stop the process.
@Suite struct `Changed HDF5 files` {
    /// `BERTKIT_DAMAGE=50` tries fifty times as many files, and others.
    private static let factor =
        ProcessInfo.processInfo.environment["BERTKIT_DAMAGE"].flatMap(Int.init) ?? 1

    private static func seeds() throws -> [(name: String, file: PatchedFile)] {
        let folders = [structures, cases]
        return try folders.flatMap { folder in
            try FileManager.default.contentsOfDirectory(atPath: folder.path)
                .filter { $0.hasSuffix(".h5") }.sorted()
                .map { ($0, try PatchedFile(folder.appending(path: $0))) }
        }
        // The small ones are all structure.
        .filter { $0.1.bytes.count < 50_000 }
    }

    /// Opens a file and reads everything; whether it was refused.
    private static func isRefused(_ bytes: [UInt8]) -> Bool {
        do throws(Failure) {
            let file = try HDF5File(bytes: bytes, calling: "changed")
            for dataset in file.datasets { _ = try contents(file, dataset) }
            for group in file.groups {
                for attribute in ["variable", "name_0", "text", "layer_names"] {
                    _ = try file.strings(attribute, of: group)
                }
            }
            return false
        } catch {
            #expect(!error.reason.isEmpty && error.kind == .badData, "\(error)")
            return true
        }
    }

    private static func change(_ file: inout PatchedFile, _ generator: inout SeededGenerator) {
        let count = file.bytes.count
        // Most changes in a structure that has a checksum: the others are often elements.
        let structure = file.checksummed.randomElement(using: &generator)
        let range =
            Int.random(in: 0..<3, using: &generator) == 0
            ? 0..<count : structure?.range ?? 0..<min(count, 4096)
        let place = Int.random(in: range, using: &generator)
        let width = [1, 2, 4, 8].randomElement(using: &generator) ?? 1
        let width2 = min(width, count - place)
        let old = file.number(at: place, width2)
        let other = Int.random(in: 0..<count - 8, using: &generator)
        let values: [UInt64] = [
            0, 1, .max, old &+ 1, old &- 1, old << 1, old >> 1, 0x7FFF_FFFF_FFFF_FFFF, 1 << 32,
            file.number(at: other, width2), UInt64(other), UInt64(place), UInt64(count),
            old ^ 1 << UInt64.random(in: 0..<8, using: &generator),
        ]
        file.put(values.randomElement(using: &generator) ?? 0, at: place, width2)
    }

    @Test func `are read or refused`() throws {
        let seeds = try Self.seeds()
        #expect(seeds.count > 80)
        var generator = SeededGenerator(state: UInt64(2026 * Self.factor))
        var refused = 0
        let total = 2000 * Self.factor
        for number in 0..<total {
            var file = seeds[number % seeds.count].file
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                Self.change(&file, &generator)
            }
            if number % 2 == 0 { file.repair() }
            if Self.isRefused(file.bytes) { refused += 1 }
        }
        #expect(refused > total / 5)
        #expect(refused < total * 19 / 20)
    }

    @Test func `a changed bit of a structure with a checksum is noticed`() throws {
        var generator = SeededGenerator(state: 7)
        var missed = 0
        var tried = 0
        for seed in try Self.seeds() {
            for (range, _) in seed.file.checksummed {
                var file = seed.file
                let place = Int.random(in: range, using: &generator)
                file.flip(place, bit: UInt8.random(in: 0..<8, using: &generator))
                tried += 1
                if !Self.isRefused(file.bytes) { missed += 1 }
            }
        }
        #expect(tried > 400)
        // What was taken away again, and trees of another order, nobody reads.
        #expect(missed < tried / 8, "\(missed) of \(tried)")
    }
}
