import Augmentation
import Bert
import Datasets
import Diagnostics
import Evaluation
import Foundation
import Kernels
import Randomness
import Tokenization

/// Originals and variants of some rows, for a teacher.
struct VariantSample {
    struct Text {
        var place: TextPlace
        /// Nil for an original.
        var methods: VariantMethods?
    }

    private(set) var bytes: [UInt8] = []
    /// Variants behind their original.
    private(set) var texts: [Text] = []

    mutating func add(row: Int, of source: SourceTexts) {
        let text = append(source.text(row).utf8)
        let pair = source.hasPairs ? append(source.text(row, side: 1).utf8) : nil
        texts.append(Text(place: TextPlace(text: text, pair: pair), methods: nil))
    }

    mutating func add(_ variant: Variant, in block: VariantBlock) {
        let text = append(block.bytes[variant.text])
        let pair = variant.pair.map { append(block.bytes[$0]) }
        texts.append(Text(place: TextPlace(text: text, pair: pair), methods: variant.methods))
    }

    private mutating func append(_ text: some Collection<UInt8>) -> Range<Int> {
        let start = bytes.count
        bytes += text
        return start..<bytes.count
    }
}

/// How a teacher's answers survive.
struct TeacherAgreement {
    var variants = 0
    /// Variants that the teacher gives its original's label; of a score, how far it moved, summed.
    var sum = 0.0
    var byMethod: [(variants: Int, sum: Double)]
    let isRegression: Bool

    func mean(_ variants: Int, _ sum: Double) -> String {
        guard variants > 0 else { return "–" }
        let mean = sum / Double(variants)
        return isRegression ? Numbers.fixed(mean, 3) : Numbers.percent(mean, 1)
    }
}

/// A teacher that says whether variants still mean what their originals do.
struct AugmentationJudge {
    /// The rows whose variants it is asked about.
    let rows: Set<Int>
    private let classifier: SequenceClassifier
    private let maximumLength: Int

    /// About how many variants are asked about.
    private static let sampleSize = 4_000

    /// - Throws: `Failure` for a model that does not read such texts, or does not know the mask.
    init(_ path: String, _ augmenter: Augmenter, pool: WorkerPool) throws(Failure) {
        let folder = try ClassifierFolder.open(URL(filePath: path))
        guard folder.head == .sequenceClassification else {
            throw Failure(
                .usage,
                "--teacher",
                "\(printable(path)) answers words; whether a text keeps its label is asked of a model "
                    + "that answers texts"
            )
        }
        classifier = try folder.load()
        try classifier.checkReads(pairs: augmenter.source.hasPairs, from: augmenter.source.name)
        maximumLength = try classifier.maximumLength(nil)
        if augmenter.tang.map({ $0.mask > 0 }) ?? false {
            try classifier.checkKnowsMask(augmenter.mask)
        }
        let source = augmenter.source
        let wanted = min(source.count, max(1, Self.sampleSize / augmenter.iterations))
        var random = Philox(seed: augmenter.seed, purpose: .sampling)
        var rows: Set<Int> = []
        // Floyd's: each set of rows is as likely.
        for last in source.count - wanted..<source.count {
            let row = Int(random.nextBelow(UInt32(last + 1)))
            rows.insert(rows.contains(row) ? last : row)
        }
        self.rows = rows
    }

    func agreement(of sample: VariantSample, pool: WorkerPool) -> TeacherAgreement {
        let kind = classifier.model.taskKind
        let width = kind.outputCount
        let inference = classifier.model.inference(pool: pool, precision: .f32)
        var logits: [Float] = []
        for start in stride(from: 0, to: sample.texts.count, by: 512) {
            let part = Array(sample.texts[start..<min(start + 512, sample.texts.count)])
            let (batch, _) = classifier.tokenizer.encode(
                part.count,
                in: sample.bytes,
                maximumLength: maximumLength,
                workers: pool.workerCount
            ) { part[$0].place }
            logits += inference.logits(batch)
        }
        var result = TeacherAgreement(
            byMethod: VariantMethods.named.map { _ in (0, 0) },
            isRegression: kind.outputCount == 1
        )
        var original = 0
        for (index, text) in sample.texts.enumerated() {
            guard let methods = text.methods else {
                original = index
                continue
            }
            let (own, first) = (logits[index * width..<(index + 1) * width], original * width)
            let before = logits[first..<first + width]
            let value =
                result.isRegression
                ? Double(abs((own.first ?? 0) - (before.first ?? 0)))
                : Self.top(own) == Self.top(before) ? 1 : 0
            result.variants += 1
            result.sum += value
            for (number, (_, method)) in VariantMethods.named.enumerated()
            where methods.contains(method) {
                result.byMethod[number].variants += 1
                result.byMethod[number].sum += value
            }
        }
        return result
    }

    private static func top(_ logits: ArraySlice<Float>) -> Int {
        LogitMetrics.topClasses(Array(logits), classCount: logits.count)[0]
    }
}

extension ClassifierInput {
    /// Refuses a mask that the model's tokenizer does not take for its mask piece.
    func checkKnowsMask(_ mask: [UInt8]) throws(Failure) {
        let found = tokenizer.encode(mask, maximumLength: 8).ids.dropFirst().dropLast()
        guard let piece = tokenizer.vocabulary.mask, Array(found) == [piece] else {
            throw Failure(
                .usage,
                "--mask-token",
                "\(printable(path)) does not read '\(printable(String(decoding: mask, as: UTF8.self)))'"
                    + " as its mask",
                remedy: "Give its mask token, or choose methods without 'mask'"
            )
        }
    }
}
