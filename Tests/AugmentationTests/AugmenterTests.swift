import Augmentation
import Datasets
import Diagnostics
import Foundation
import Kernels
import Testing

@Suite("Augmenting a file")
struct AugmenterTests {
    private typealias Bench = AugmentationBench

    private func source(rows: Int) throws -> SourceTexts {
        let words = ["red", "green", "blue", "dark", "pale", "deep"]
        return try Bench.tagged(
            (0..<rows).map { row in
                (0..<3 + row % 6).map {
                    "\(words[(row * 7 + $0 * 5) % 6])/\($0 % 2 == 0 ? "A" : "B")"
                }
                .joined(separator: " ")
            }.joined(separator: "\n")
        )
    }

    private func lines(_ augmenter: Augmenter, workers: Int) throws -> [String] {
        var collector = Collector()
        let pool = WorkerPool(workerCount: workers)
        _ = try augmenter.run(pool: pool, into: &collector)
        return collector.lines
    }

    @Test func `the same seed gives the same variants for any number of workers`() throws {
        let source = try source(rows: 700)
        func augmenter(_ seed: UInt64) throws -> Augmenter {
            try Bench.augmenter(source, mask: 0.1, pos: 0.2, ngram: 0.3, iterations: 6, seed: seed)
        }
        let first = try lines(augmenter(1), workers: 1)
        #expect(try lines(augmenter(1), workers: 3) == first)
        #expect(try lines(augmenter(2), workers: 3) != first)
        #expect(first.count > 1_500)
        // A row's variants do not depend on how many rows are before it.
        let block = try augmenter(1).variants(of: 500..<520)
        let whole = try augmenter(1).variants(of: 0..<700)
        #expect(
            block.variants.map { block.text($0) }
                == whole.variants.filter { (500..<520).contains($0.row) }.map { whole.text($0) }
        )
    }

    @Test func `other iterations make other variants`() throws {
        let augmenter = try Bench.augmenter(try source(rows: 40), mask: 0.3, iterations: 4)
        let first = augmenter.variants(of: 0..<40)
        let later = augmenter.variants(of: 0..<40, iterations: 4..<8)
        #expect(first.variants.map { first.text($0) } != later.variants.map { later.text($0) })
    }

    @Test func `no variant is there twice, nor equal to any original`() throws {
        let source = try source(rows: 300)
        let augmenter = try Bench.augmenter(source, pos: 0.5, ngram: 0.5, iterations: 20)
        var collector = Collector()
        let dropped = try augmenter.run(pool: Bench.pool, into: &collector)
        let texts = collector.variants.map { $0[$0.range(of: ": ")!.upperBound...] }
        #expect(Set(texts).count == texts.count)
        #expect(Set(texts).isDisjoint(with: (0..<300).map { source.text($0)[...] }))
        #expect(collector.lines.count == 300 + texts.count)
        #expect(texts.count + dropped.all == 300 * 20 && dropped.repeated > 1_000)
        // Everything that one row could make was made: nothing new was dropped.
        let loose = augmenter.variants(of: 0..<300)
        let made = Set(loose.variants.map { loose.text($0)[...] })
        #expect(made.subtracting((0..<300).map { source.text($0)[...] }) == Set(texts))
    }

    @Test func `spaces around a text make no other text`() throws {
        let source = try Bench.texts(["of saucy ", "a film of saucy jokes"])
        var collector = Collector()
        _ = try Bench.augmenter(source, ngram: 1, iterations: 300)
            .run(pool: Bench.pool, into: &collector)
        #expect(!collector.variants.contains("1 ngram: of saucy"))
        #expect(collector.variants.contains("1 ngram: of saucy jokes"))
    }

    @Test func `methods are named and explained`() throws {
        let source = try Bench.tagged("a/A b/B c/C d/D e/E f/F\nz/A y/B x/C\n")
        let augmenter = try Bench.augmenter(
            source,
            mask: 0.2,
            pos: 0.3,
            ngram: 0.5,
            iterations: 300
        )
        let block = augmenter.variants(of: 0..<1)
        var names: Set<String> = []
        for variant in block.variants {
            names.insert(variant.methods.name)
            let explanation = VariantExplanation(variant, in: block, of: augmenter)
            #expect(explanation.texts[0].map(\.text).joined() == block.text(variant))
            let changed = explanation.texts[0].count { $0.isChanged }
            #expect(changed == block.changes[variant.changes].count)
            let reasons = explanation.reasons
            #expect(variant.methods.contains(.mask) == reasons.contains { $0.hasSuffix(" masked") })
            #expect(
                variant.methods.contains(.ngram)
                    == reasons.contains { $0.hasSuffix("-gram of 6 words") }
            )
            #expect(
                variant.methods.contains(.partOfSpeech)
                    == reasons.contains {
                        ["a → z (A)", "b → y (B)", "c → x (C)"].contains($0)
                    }
            )
        }
        #expect(
            names == [
                "mask", "pos", "ngram", "mask+pos", "mask+ngram", "pos+ngram", "mask+pos+ngram",
            ]
        )
    }

    @Test func `the report counts what was made`() throws {
        let source = try Bench.tagged("a/A b/B c/C d/D\nz/A y/B\n")
        let augmenter = try Bench.augmenter(source, mask: 0.3, ngram: 0.3, iterations: 50)
        struct Counter: VariantReceiver {
            var report: AugmentationReport
            var masks = 0
            var distance = 0
            mutating func original(_ row: Int) { report.count(row: row) }
            mutating func variant(_ variant: Variant, in block: VariantBlock) {
                report.count(variant, in: block)
                let words = block.text(variant).split(separator: " ")
                masks += words.count { $0 == "[MASK]" }
                distance += (variant.row == 0 ? 4 : 2) - words.count { $0 != "[MASK]" }
            }
        }
        var counter = Counter(report: AugmentationReport(augmenter))
        _ = try augmenter.run(pool: Bench.pool, into: &counter)
        let report = counter.report
        #expect(report.rows == 2 && report.variants > 10 && report.rowsWithoutWords == 0)
        #expect(report.classes.reduce(0) { $0 + $1.masked } == counter.masks)
        #expect(report.classes.map(\.words) == [0, 2, 2, 1, 1])
        #expect(report.methods[0].words == counter.masks)
        // A mask is one word exchanged; an n-gram is the other words deleted.
        #expect(report.distance == counter.distance)
        #expect(report.methods[1].variants == 0)
        #expect(report.ngramLengths.keys.max() == 3)
    }
}

@Suite("Lines of variants")
struct VariantLineTests {
    private typealias Bench = AugmentationBench

    private func file(
        _ source: SourceTexts,
        _ format: VariantLines.Format,
        keepsLabels: Bool = false
    ) throws -> [UInt8] {
        struct Writer: VariantReceiver {
            let lines: VariantLines
            var bytes: [UInt8]
            mutating func original(_ row: Int) throws(Failure) {
                try lines.append(row: row, to: &bytes)
            }
            mutating func variant(_ variant: Variant, in block: VariantBlock) throws(Failure) {
                lines.append(variant, in: block, to: &bytes)
            }
        }
        let lines = VariantLines(source, format: format, keepsLabels: keepsLabels)
        var writer = Writer(lines: lines, bytes: lines.heading)
        _ = try Bench.augmenter(source, mask: 0.3, iterations: 5)
            .run(pool: Bench.pool, into: &writer)
        return writer.bytes
    }

    private func read(_ bytes: [UInt8], _ name: String) throws -> TaskFile {
        try TaskFile(bytes: bytes, name: name, options: .init(labels: .partial))
    }

    @Test(arguments: [VariantLines.Format.tabSeparated, .jsonLines])
    func `are read back, without labels of variants unless kept`(
        format: VariantLines.Format
    ) throws {
        let source = try Bench.texts(
            ["a \"fine\" film\t1", "a dull \\ plot\t0", "nobody knows\t"],
            header: "sentence\tlabel"
        )
        let name = format == .jsonLines ? "a.jsonl" : "a.tsv"
        let written = try read(try file(source, format), name)
        #expect(written.count > 8 && written.textColumn == "sentence")
        #expect(written.text(0) == "a \"fine\" film" && written.label(0) == "1")
        let targets = try written.targets(for: .classification(labels: ["0", "1"])).values
        let labelled = (0..<written.count).filter { written.isLabelled($0) }
        #expect(labelled.count == 2 && written.unlabelledCount == written.count - 2)
        for row in 0..<written.count {
            #expect(targets[row].isNaN != labelled.contains(row))
        }
        let kept = try read(try file(source, format, keepsLabels: true), name)
        #expect(kept.count == written.count && kept.unlabelledCount < 6)
        #expect(try kept.targets(for: .regression).values.count { $0 == 1 } > 2)
    }

    @Test func `say the row and the method`() throws {
        let source = try Bench.texts(
            ["one two\tthree four\t0.5"],
            header: "sentence1\tsentence2\tscore"
        )
        let text = String(decoding: try file(source, .tabSeparated), as: UTF8.self)
        let lines = text.split(separator: "\n")
        #expect(lines[0] == "sentence1\tsentence2\tscore\tsource_row\tmethod")
        #expect(lines[1] == "one two\tthree four\t0.5\t0\toriginal")
        #expect(lines.dropFirst(2).allSatisfy { $0.hasSuffix("\t\t0\tmask") })
        let objects = String(decoding: try file(source, .jsonLines), as: UTF8.self)
        #expect(
            objects.hasPrefix(
                "{\"sentence1\": \"one two\", \"sentence2\": \"three four\", \"score\": \"0.5\", "
                    + "\"source_row\": 0, \"method\": \"original\"}\n"
            )
        )
        #expect(objects.contains("\"score\": null, \"source_row\": 0, \"method\": \"mask\"}"))
    }

    @Test func `a text with a line end is for JSON lines`() throws {
        let source = SourceTexts(
            try TaskFile(
                bytes: Array("{\"text\": \"two\\nlines\"}\n".utf8),
                name: "a.jsonl",
                options: .init(labels: .partial)
            )
        )
        #expect(throws: Failure.self) { try file(source, .tabSeparated) }
        #expect(
            String(decoding: try file(source, .jsonLines), as: UTF8.self)
                .hasPrefix("{\"text\": \"two\\nlines\", \"source_row\": 0")
        )
    }
}
