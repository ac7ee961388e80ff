import Diagnostics
import Foundation
import Provenance
import Randomness
import Testing
import Training

@Suite struct StateFileTests {
    private struct Content: Codable, Equatable {
        var name: String
        var values: [Double]
    }

    private static let content = Content(
        name: "run \"1\"\n",
        values: [
            0.1, -0.0, .infinity, -.infinity, Double.leastNonzeroMagnitude, 1.7976931348623157e308,
        ]
    )

    private func temporary<Result>(_ body: (URL) throws -> Result) throws -> Result {
        let url = FileManager.default.temporaryDirectory
            .appending(path: "bertkit-state-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        return try body(url)
    }

    /// Writes a state with two parts, of 40 bytes and of none.
    private func write(_ url: URL) throws {
        let numbers = (0..<10).map { Float($0) / 3 }
        try numbers.withUnsafeBytes { bytes in
            try StateFile.write(
                Self.content,
                [
                    StatePart(name: "numbers", bytes: bytes),
                    StatePart(name: "nothing", bytes: UnsafeRawBufferPointer(start: nil, count: 0)),
                ],
                to: url
            )
        }
    }

    private func failure(_ path: String) -> Failure? {
        do throws(Failure) {
            _ = try StateFile(verifying: path)
            return nil
        } catch { return error }
    }

    @Test func `what is written is read`() throws {
        try temporary { folder in
            let url = folder.appending(path: "state")
            try write(url)
            let file = try StateFile(verifying: url.path)
            let content = try file.content(Content.self)
            #expect(content == Self.content)
            #expect(content.values.map(\.bitPattern) == Self.content.values.map(\.bitPattern))
            var numbers = [Float](repeating: 0, count: 10)
            try numbers.withUnsafeMutableBytes { try file.read("numbers", into: $0) }
            #expect(numbers == (0..<10).map { Float($0) / 3 })
            #expect(try file.bytes("nothing").isEmpty && file.has("nothing"))
            #expect(!file.has("other"))
            #expect(throws: Failure.self) { try file.bytes("other") }
            var short = [Float](repeating: 0, count: 9)
            #expect(throws: Failure.self) {
                try short.withUnsafeMutableBytes { try file.read("numbers", into: $0) }
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["state"])
        }
    }

    @Test func `every flipped bit, every truncation and every added byte is found`() throws {
        try temporary { folder in
            let url = folder.appending(path: "state")
            try write(url)
            let good = [UInt8](try Data(contentsOf: url))
            var undetected: [String] = []
            let damaged = folder.appending(path: "damaged")
            func check(_ bytes: some Sequence<UInt8>, _ what: String) throws {
                try Data(bytes).write(to: damaged)
                guard let failure = failure(damaged.path), failure.kind == .badData else {
                    undetected.append(what)
                    return
                }
            }
            for index in good.indices {
                for bit in 0..<8 {
                    var bytes = good
                    bytes[index] ^= 1 << UInt8(bit)
                    try check(bytes, "bit \(bit) of byte \(index)")
                }
                try check(good[..<index], "cut at \(index)")
            }
            for extra in [1, 31, 32, 33, 4096] {
                try check(good + [UInt8](repeating: 0, count: extra), "\(extra) more")
            }
            #expect(undetected.isEmpty, "\(undetected)")
            #expect(good.count > 200)
        }
    }

    @Test func `ten thousand flipped bits in a longer state are found`() throws {
        try temporary { folder in
            let url = folder.appending(path: "state")
            let numbers = (0..<20_000).map { Float($0) }
            try numbers.withUnsafeBytes { bytes in
                try StateFile.write(
                    Self.content,
                    [StatePart(name: "numbers", bytes: bytes)],
                    to: url
                )
            }
            var bytes = [UInt8](try Data(contentsOf: url))
            let file = try FileHandle(forUpdating: url)
            defer { try? file.close() }
            var random = Philox(seed: 1, purpose: .sampling)
            func put(_ place: Int) throws {
                try file.seek(toOffset: UInt64(place))
                try file.write(contentsOf: bytes[place..<place + 1])
            }
            var undetected = 0
            for _ in 0..<10_000 {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                let bit = UInt8(1) << UInt8.random(in: 0..<8, using: &random)
                bytes[place] ^= bit
                try put(place)
                if failure(url.path)?.kind != .badData { undetected += 1 }
                bytes[place] ^= bit
                try put(place)
            }
            #expect(undetected == 0 && failure(url.path) == nil)
        }
    }

    /// A file of these bytes with the digest that belongs to them.
    private func sealed(_ bytes: [UInt8], _ url: URL) throws {
        try Data(bytes).write(to: url)
        let digest = try FileDigest(of: url.path).sha256
        let seal = stride(from: 0, to: 64, by: 2).compactMap { place in
            UInt8(digest.dropFirst(place).prefix(2), radix: 16)
        }
        try Data(bytes + seal).write(to: url)
    }

    private func bytes(
        version: UInt64 = 1,
        length: UInt64? = nil,
        _ header: String,
        _ body: Int = 40
    ) -> [UInt8] {
        var bytes = Array("BertKitState\r\n\u{1A}\n".utf8)
        for word in [version, length ?? UInt64(header.utf8.count)] {
            withUnsafeBytes(of: word) { bytes.append(contentsOf: $0) }
        }
        return bytes + Array(header.utf8) + [UInt8](repeating: 7, count: body)
    }

    @Test(
        arguments: [
            #"{"parts":[{"name":"a","bytes":41}],"content":{}}"#,
            #"{"parts":[{"name":"a","bytes":39}],"content":{}}"#,
            #"{"parts":[{"name":"a","bytes":-1},{"name":"b","bytes":41}],"content":{}}"#,
            #"{"parts":[{"name":"a","bytes":20},{"name":"a","bytes":20}],"content":{}}"#,
            #"{"parts":[{"name":"a","bytes":9223372036854775807},{"name":"b","bytes":1}],"content":{}}"#,
            #"{"parts":[{"name":"a","bytes":9223372036854775808}],"content":{}}"#,
            #"{"parts":[{"name":"a","bytes":4.5}],"content":{}}"#,
            #"{"parts":[{"bytes":40}],"content":{}}"#, #"{"parts":{},"content":{}}"#,
            #"{"content":{}}"#, "[]", "", "{",
            String(repeating: "[", count: 200_000),
        ]
    )
    func `a header that lies is refused although its digest is right`(_ header: String) throws {
        try temporary { folder in
            let url = folder.appending(path: "state")
            try sealed(bytes(header), url)
            #expect(failure(url.path)?.kind == .badData)
        }
    }

    @Test func `a header beyond the file, another version and another file are refused`() throws {
        try temporary { folder in
            let url = folder.appending(path: "state")
            let header = #"{"parts":[{"name":"a","bytes":40}],"content":{}}"#
            try sealed(bytes(header), url)
            #expect(failure(url.path) == nil)
            for length in [UInt64.max, 1 << 63, 1 << 40, UInt64(header.utf8.count) + 41] {
                try sealed(bytes(length: length, header), url)
                #expect(failure(url.path)?.reason.contains("header") ?? false)
            }
            try sealed(bytes(version: 2, header), url)
            #expect(failure(url.path)?.reason.contains("version 2") ?? false)
            try sealed(Array(String(repeating: "x", count: 100).utf8), url)
            #expect(failure(url.path)?.reason == "it is not a saved state of a run")
            #expect(failure(folder.path)?.kind == .missingInput)
            #expect(failure(folder.appending(path: "none").path)?.kind == .missingInput)
        }
    }
}

@Suite struct RunFolderTests {
    private struct Number: Codable { var number: Int }

    private func temporary<Result>(_ body: (URL) throws -> Result) throws -> Result {
        let url = FileManager.default.temporaryDirectory
            .appending(path: "bertkit-folder-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        return try body(url)
    }

    private func names(_ url: URL) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []).sorted()
    }

    @Test func `the folder of a run that saved nothing goes with it`() throws {
        try temporary { root in
            let url = RunFolder.url(beside: root.appending(path: "inner/out"))
            #expect(url.lastPathComponent == "out.training")
            do {
                let folder = try RunFolder(opening: url)
                #expect(names(url) == ["lock"])
                _ = folder
            }
            #expect(names(root.appending(path: "inner")).isEmpty)
        }
    }

    @Test func `the newest good state is found, and the last ones are kept`() throws {
        try temporary { root in
            let url = root.appending(path: "out.training")
            do {
                let folder = try RunFolder(opening: url)
                for number in 1...4 { try folder.save(Number(number: number), [], keeping: 2) }
            }
            #expect(names(url) == ["lock", "state-000003.bin", "state-000004.bin"])
            let folder = try RunFolder(opening: url)
            var skipped: [Failure] = []
            func newest() throws -> Int? {
                try folder.newest { skipped.append($0) }?.content(Number.self).number
            }
            #expect(try newest() == 4 && skipped.isEmpty)
            let four = url.appending(path: "state-000004.bin")
            var bytes = try Data(contentsOf: four)
            bytes[40] ^= 1
            try bytes.write(to: four)
            #expect(try newest() == 3 && skipped.count == 1)
            // What is no state's name is none, and what a killed save has left is nothing.
            for name in ["state-5.bin", "state-000005.bin.old", ".state-000005.bin.tmp-1-x"] {
                try Data("x".utf8).write(to: url.appending(path: name))
            }
            #expect(try newest() == 3)
            try Data("x".utf8).write(to: url.appending(path: "state-000003.bin"))
            #expect(throws: Failure.self) { try newest() }
            try folder.save(Number(number: 5), [], keeping: 2)
            #expect(try newest() == 5)
            folder.removeStates()
            #expect(try newest() == nil)
            folder.clear()
            #expect(names(root).isEmpty)
        }
    }

    @Test func `a folder is one process's at a time`() throws {
        try temporary { root in
            let url = root.appending(path: "out.training")
            var first: RunFolder? = try RunFolder(opening: url)
            try first?.save(Number(number: 1), [], keeping: 1)
            let failure = #expect(throws: Failure.self) { try RunFolder(opening: url) }
            #expect(failure?.reason == "another process is working on this run")
            first = nil
            #expect(try RunFolder(opening: url).hasStates)
        }
    }
}
