import Foundation
import TestSupport
import Testing

/// `docs/architecture.md` lists every file that uses pointers or tells the compiler to trust it.
@Suite("Unsafe code")
struct UnsafeCodeTests {
    private static let root = Fixtures.folder.deletingLastPathComponent()

    /// By module, the files of the table under "Where unsafe code lives".
    private static func listed() throws -> [String: Set<String>] {
        let text = try String(
            contentsOf: root.appending(path: "docs/architecture.md"),
            encoding: .utf8
        )
        let section = text.split(separator: "\n## ").first {
            $0.hasPrefix("Where unsafe code lives\n")
        }
        var files: [String: Set<String>] = [:]
        for line in try #require(section).split(separator: "\n") where line.hasPrefix("| `") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            try #require(cells.count == 3, "\(line)")
            #expect(cells[1].count > 10, "no reason: \(line)")
            let names = cells[2].split(separator: ",").map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            files[cells[0].filter { $0 != "`" }, default: []].formUnion(names)
        }
        return files
    }

    @Test("Every file with unsafe code is listed, and no other")
    func strays() throws {
        let unsafe = /Unsafe|unsafe|@unchecked|Unmanaged|withMemoryRebound|bindMemory/
        let sources = Self.root.appending(path: "Sources")
        var found: [String: Set<String>] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: sources.path)
        where path.hasSuffix(".swift") {
            let text = try String(contentsOf: sources.appending(path: path), encoding: .utf8)
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            for (index, line) in lines.enumerated() {
                let code = line.prefix(upTo: line.firstRange(of: "//")?.lowerBound ?? line.endIndex)
                guard code.contains(unsafe) else { continue }
                let module = path.prefix { $0 != "/" }
                let name = URL(filePath: path).deletingPathExtension().lastPathComponent
                found[String(module), default: []].insert(name)
                // What the compiler is told not to look at has its reason above it.
                guard code.contains("nonisolated(unsafe)") else { continue }
                let above = lines[max(0, index - 4)..<index]
                #expect(
                    above.contains { $0.contains("//") },
                    "\(path), line \(index + 1), without a reason"
                )
            }
        }
        let listed = try Self.listed()
        for module in Set(found.keys).union(listed.keys).sorted() {
            let (here, there) = (found[module] ?? [], listed[module] ?? [])
            #expect(here.subtracting(there).isEmpty, "\(module): not listed")
            #expect(there.subtracting(here).isEmpty, "\(module): listed, and safe")
        }
    }
}
