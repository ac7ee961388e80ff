import Augmentation
import Datasets
import Diagnostics
import Kernels

/// Small data to vary.
enum AugmentationBench {
    /// A pool of one's own: tests run at once, and a pool carries out one phase at a time.
    static var pool: WorkerPool { WorkerPool(workerCount: 2) }

    /// Texts, one a line, or columns with their header.
    static func texts(_ lines: [String], header: String = "sentence") throws -> SourceTexts {
        let text = ([header] + lines).joined(separator: "\n") + "\n"
        return SourceTexts(
            try TaskFile(
                bytes: Array(text.utf8),
                name: "train.tsv",
                options: TaskFile.Options(labels: .partial)
            )
        )
    }

    /// Sentences as `word/TAG` lines, or in another of `WordFile`'s formats.
    static func tagged(_ text: String, _ name: String = "words.txt") throws -> SourceTexts {
        try SourceTexts(WordFile(bytes: Array(text.utf8), name: name))
    }

    static func augmenter(
        _ source: SourceTexts,
        mask: Double = 0,
        pos: Double = 0,
        ngram: Double = 0,
        longest: Int = 5,
        iterations: Int = 1,
        seed: UInt64 = 7
    ) throws -> Augmenter {
        try Augmenter(
            source,
            SourceWords(source, tagger: TextWordTagger(nil), pool: pool),
            tang: TangMethod(
                mask: mask,
                partOfSpeech: pos,
                ngram: ngram,
                longestNgram: longest
            ),
            iterations: iterations,
            seed: seed
        )
    }

    /// The variants of all rows as texts, those of pairs with a bar between.
    static func variants(_ augmenter: Augmenter) -> [String] {
        let block = augmenter.variants(of: 0..<augmenter.source.count)
        return block.variants.map { variant in
            variant.pair == nil
                ? block.text(variant)
                : block.text(variant) + "|" + block.text(variant, side: 1)
        }
    }

    /// A text's words with their classes.
    static func words(_ source: SourceTexts, text: Int = 0) throws -> [String] {
        let words = try SourceWords(source, tagger: TextWordTagger(nil), pool: pool)
        let bytes = Array(source.text(text / source.sides, side: text % source.sides).utf8)
        return (0..<words.count(of: text)).map { number in
            let (range, name) = words.word(number, of: text)
            return String(decoding: bytes[range], as: UTF8.self)
                + (words.areTagged ? ":" + name : "")
        }
    }
}

/// Collects what an augmenter hands out.
struct Collector: VariantReceiver {
    var lines: [String] = []

    mutating func original(_ row: Int) { lines.append("row \(row)") }

    mutating func variant(_ variant: Variant, in block: VariantBlock) {
        lines.append("\(variant.row) \(variant.methods.name): \(block.text(variant))")
    }

    var variants: [String] { lines.filter { !$0.hasPrefix("row") } }
}
