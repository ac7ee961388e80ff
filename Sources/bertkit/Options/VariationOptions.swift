import ArgumentParser
import Augmentation
import Diagnostics
import Foundation
import Kernels
import Tagging

/// A comma-separated list of methods that make variants.
struct MethodList: ExpressibleByArgument {
    var methods: VariantMethods
    private let text: String

    init?(argument: String) {
        let names = argument.split(separator: ",", omittingEmptySubsequences: false)
        guard let methods = VariantMethods(names: names.map(String.init)) else { return nil }
        (self.methods, text) = (methods, argument)
    }

    var defaultValueDescription: String { text }

    static let allValueStrings = VariantMethods.names
}

/// The numbers of the methods, and where candidates come from.
struct VariationOptions: ParsableArguments {
    enum StopWordChoice: String, CaseIterable, ExpressibleByArgument { case english, none }

    @Option(
        help: ArgumentHelp(
            "The probability that a word becomes a mask (default: 0.1).",
            valueName: "probability"
        )
    )
    var mask: Double?

    @Option(
        help: ArgumentHelp(
            "The probability that a word is exchanged for one of its part of speech (default: 0.1).",
            valueName: "probability"
        )
    )
    var pos: Double?

    @Option(
        help: ArgumentHelp(
            "The probability that one n-gram of a text stays alone (default: 0.25).",
            valueName: "probability"
        )
    )
    var ngram: Double?

    @Option(
        help: ArgumentHelp("The longest n-gram, in words (default: 5).", valueName: "count")
    )
    var maxNgram: Int?

    @Option(
        help: ArgumentHelp(
            "What stands in the place of masked words, the model's mask token (default: [MASK]).",
            valueName: "token"
        )
    )
    var maskToken: String?

    @Option(
        help: ArgumentHelp(
            "The tagger that finds parts of speech, as 'bertkit tagger train' writes it (default: the one "
                + "of English that is built in).",
            valueName: "file"
        ),
        completion: .file()
    )
    var tagger: String?

    @Option(
        help: ArgumentHelp(
            "Method tinybert's probability that a word is exchanged for a candidate (default: 0.4).",
            valueName: "probability"
        )
    )
    var replace: Double?

    @Option(
        help: ArgumentHelp(
            "The most candidates of a word, of method tinybert (default: 15).",
            valueName: "count"
        )
    )
    var candidates: Int?

    @Option(
        help: ArgumentHelp(
            "The masked language model whose answers are the candidates of words of one piece.",
            valueName: "dir"
        ),
        completion: .directory
    )
    var mlm: String?

    @Option(
        help: ArgumentHelp(
            "Word vectors, GloVe's or word2vec's, or a model's folder with word embeddings, whose nearest "
                + "are the candidates of other words (default: the word embeddings of '--mlm').",
            valueName: "file"
        ),
        completion: .file()
    )
    var vectors: String?

    @Option(
        help: ArgumentHelp(
            "Words that candidates neither replace nor are: english ones of grammar, or none (default: "
                + "english).",
            valueName: "list"
        )
    )
    var stopWords: StopWordChoice?

    func validate() throws {
        try Limits.check("--mask", mask, 0...1)
        try Limits.check("--pos", pos, 0...1)
        try Limits.check("--ngram", ngram, 0...1)
        try Limits.check("--replace", replace, 0...1, above: true)
        try Limits.check("--max-ngram", maxNgram, 1...1_000_000)
        try Limits.check("--candidates", candidates, 1...1000)
    }

    /// What is wrong with numbers of methods that are not among those chosen; nil if nothing is.
    func problem(_ methods: VariantMethods) -> (option: String, method: String)? {
        let given: [(String, Bool, VariantMethods)] = [
            ("--mask", mask != nil, .mask), ("--pos", pos != nil, .partOfSpeech),
            ("--tagger", tagger != nil, .partOfSpeech), ("--ngram", ngram != nil, .ngram),
            ("--max-ngram", maxNgram != nil, .ngram),
            ("--mask-token", maskToken != nil, .mask),
            ("--stop-words", stopWords != nil, .candidates),
            ("--replace", replace != nil, .candidates),
            ("--candidates", candidates != nil, .candidates), ("--mlm", mlm != nil, .candidates),
            ("--vectors", vectors != nil, .candidates),
        ]
        return given.first { $0.1 && !methods.contains($0.2) }.map { ($0.0, $0.2.name) }
    }

    func settings(_ methods: VariantMethods) -> AugmentationSettings {
        var settings = AugmentationSettings(methods: methods)
        settings.mask = mask
        settings.partOfSpeech = pos
        settings.ngram = ngram
        settings.longestNgram = maxNgram
        settings.replacement = replace
        if stopWords == StopWordChoice.none { settings.stopWords = [] }
        return settings
    }

    /// Who tags words; nil where their parts of speech do not matter.
    ///
    /// - Parameter always: whether they matter whatever the methods are.
    func partOfSpeechTagger(
        _ settings: AugmentationSettings,
        always: Bool = false
    ) throws(Failure) -> PerceptronTagger? {
        guard always || settings.methods.contains(.partOfSpeech) else { return nil }
        return try tagger.map { path throws(Failure) in
            try PerceptronTagger(contentsOf: URL(filePath: path))
        } ?? .english
    }

    /// Who finds candidates; nil where no words are exchanged for them.
    ///
    /// - Parameters:
    ///   - model: a masked language model, where '--mlm' names none.
    ///   - embeddings: a model whose word embeddings propose words where nothing else is given.
    func finder(
        _ settings: AugmentationSettings,
        model: String? = nil,
        embeddings: String? = nil,
        pool: WorkerPool,
        remarks: Remarks
    ) throws(Failure) -> (any CandidateFinder)? {
        guard settings.methods.contains(.candidates) else { return nil }
        let model = mlm ?? model
        guard model != nil || vectors != nil || embeddings != nil else {
            throw Failure(
                .usage,
                "--mlm",
                "method tinybert asks a masked language model or word vectors for words, and none is "
                    + "given",
                remedy: "Give --mlm, or --vectors, or both"
            )
        }
        var finders: [any CandidateFinder] = []
        if let model {
            var options = MaskedCandidates.Options()
            options.count = candidates ?? options.count
            options.stopWords = settings.stopWords
            finders.append(
                try MaskedCandidates(contentsOf: URL(filePath: model), options: options, pool: pool)
            )
        }
        if let path = vectors ?? model ?? embeddings {
            finders.append(try neighbours(path, settings, pool: pool))
        }
        let finder = ReplacementCandidates(finders)
        for remark in finder.remarks { remarks.say("candidates: \(remark)") }
        return finder
    }

    /// Who finds the nearest of a file's words, or of a model's.
    private func neighbours(
        _ path: String,
        _ settings: AugmentationSettings,
        pool: WorkerPool
    ) throws(Failure) -> any CandidateFinder {
        var isFolder: ObjCBool = false
        _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        guard isFolder.boolValue || path != vectors else {
            var options = WordVectors.Options()
            options.count = candidates ?? options.count
            options.stopWords = settings.stopWords
            return try WordVectors(contentsOf: path, options: options, pool: pool)
        }
        var options = EmbeddingVectors.Options()
        options.count = candidates ?? options.count
        options.stopWords = settings.stopWords
        return try EmbeddingVectors(contentsOf: URL(filePath: path), options: options, pool: pool)
    }
}
