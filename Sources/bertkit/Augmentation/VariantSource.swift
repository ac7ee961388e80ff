import Augmentation
import Bert
import Datasets
import Diagnostics
import Distillation
import Foundation
import Kernels
import Tagging
import Tokenization
import Training

/// What stages that read variants make them of.
struct VariantSource {
    private let source: SourceTexts
    private let words: SourceWords
    private let candidates: [TextCandidates]
    private let mask: String
    private let options: VariationOptions
    private let tokenizer: WordPieceTokenizer
    private let maximumLength: Int
    private let seed: UInt64

    /// Tags the texts' words, and finds candidates, as far as the recipe's stages ask for that.
    ///
    /// - Parameters:
    ///   - teacher: the classifier that answers the variants.
    ///   - general: a masked language model at hand.
    ///   - maximumLength: the most tokens of a text.
    init(
        _ file: TaskFile,
        _ recipe: Recipe,
        _ options: VariationOptions,
        teacher: TextClassifier,
        general: String?,
        maximumLength: Int,
        work: TrainingRun
    ) throws(Failure) {
        let methods = recipe.stages.filter(\.readsVariants).reduce(VariantMethods()) {
            $0.union($1.augment)
        }
        let settings = options.settings(methods)
        self.options = options
        (tokenizer, self.maximumLength) = (teacher.tokenizer, maximumLength)
        seed = work.training.seed
        // The student reads an unknown word where the vocabulary has no mask.
        mask = options.maskToken ?? (teacher.vocabulary.mask == nil ? "[UNK]" : "[MASK]")
        if options.maskToken != nil, methods.contains(.mask) {
            try teacher.checkKnowsMask(Array(mask.utf8))
        }
        source = SourceTexts(file)
        words = try SourceWords(
            source,
            tagger: TextWordTagger(options.partOfSpeechTagger(settings)),
            pool: work.pool
        )
        let finder = try options.finder(
            settings,
            model: general,
            embeddings: teacher.folder.url.relativePath,
            pool: work.pool,
            remarks: work.remarks
        )
        guard let finder else {
            candidates = []
            return
        }
        let augmenter = try Augmenter(
            source,
            words,
            tang: nil,
            candidates: settings.candidates(),
            seed: seed
        )
        let bar = ProgressBar(
            "candidates",
            total: source.count,
            unit: "texts",
            isQuiet: work.remarks.isQuiet
        )
        var found: [TextCandidates] = []
        for start in stride(from: 0, to: source.count, by: 512) {
            let end = min(start + 512, source.count)
            found += augmenter.candidates(of: start..<end, by: finder)
            bar.update(end)
        }
        bar.finish()
        candidates = found
    }

    /// The examples of a stage with their variants.
    func data(_ stage: RecipeStage, _ data: EncodedDataset) throws(Failure) -> VariantData {
        let settings = options.settings(stage.augment)
        return VariantData(
            data,
            try Augmenter(
                source,
                words,
                tang: settings.tang(),
                candidates: settings.candidates(),
                mask: mask,
                seed: seed
            ),
            variants: stage.variants,
            candidates: stage.augment.contains(.candidates) ? candidates : nil,
            tokenizer: tokenizer,
            maximumLength: maximumLength
        )
    }
}

extension Distill {
    /// Takes variants out of a recipe whose examples are words, unless they were asked for.
    func leaveOutVariants(
        _ recipe: inout Recipe,
        _ file: LabelledFile,
        _ work: TrainingRun
    ) throws(Failure) {
        guard recipe.stages.contains(where: \.readsVariants) else { return }
        guard variants.augment == nil else {
            throw Failure(
                .usage,
                "--augment",
                "the words of \(printable(file.name)) are labelled one by one, and a variant would have "
                    + "other words",
                remedy: "Leave it out"
            )
        }
        for index in recipe.stages.indices { recipe.stages[index].augment = [] }
        work.remarks.note(
            "recipe \(recipe.name) makes variants of texts, and these are words: none"
        )
    }

    /// Who makes the variants that the recipe asks for; nil where it asks for none.
    func variantSource(
        _ recipe: Recipe,
        _ file: LabelledFile,
        teacher: TextClassifier,
        maximumLength: Int,
        work: TrainingRun
    ) throws(Failure) -> VariantSource? {
        guard recipe.stages.contains(where: \.readsVariants), case .texts(let texts) = file else {
            return nil
        }
        for stage in recipe.stages where stage.readsVariants {
            work.remarks.say(
                "stage \(stage.name): \(stage.variants) variant\(stage.variants == 1 ? "" : "s") of each "
                    + "text in every epoch, by \(stage.augment.list)"
            )
        }
        return try VariantSource(
            texts,
            recipe,
            variants.variation,
            teacher: teacher,
            general: self.teacher.generalTeacher,
            maximumLength: maximumLength,
            work: work
        )
    }
}
