public import Diagnostics
public import Foundation
public import Tokenization

/// A file of examples that are labelled whole, or of sentences whose words are.
public enum LabelledFile: Sendable {
    case texts(TaskFile)
    case words(WordFile)

    public enum Kind: Sendable, Hashable {
        case texts
        case words
    }

    /// - Parameter kind: which it is; nil decides by the content.
    /// - Throws: as the readers of both.
    public init(
        contentsOf url: URL,
        kind: Kind?,
        options: TaskFile.Options = .init()
    ) throws(Failure) {
        let name = url.relativePath
        try self.init(bytes: readBytes(path: name), name: name, kind: kind, options: options)
    }

    public init(
        bytes: [UInt8],
        name: String,
        kind: Kind?,
        options: TaskFile.Options = .init()
    ) throws(Failure) {
        let known: Kind
        if let kind {
            known = kind
        } else {
            known = try Self.likelyKind(bytes, name: name, options)
        }
        switch known {
        case .texts: self = .texts(try TaskFile(bytes: bytes, name: name, options: options))
        case .words: self = .words(try WordFile(bytes: bytes, name: name, options: options))
        }
    }

    /// Whether a file looks like words that are labelled one by one; false for what is no text.
    public static func looksLikeWords(contentsOf url: URL) -> Bool {
        let name = url.relativePath
        guard let bytes = try? readBytes(path: name) else { return false }
        return (try? likelyKind(bytes, name: name, .init())) == .words
    }

    private static func likelyKind(
        _ bytes: [UInt8],
        name: String,
        _ options: TaskFile.Options
    ) throws(Failure) -> Kind {
        let source = try SourceText(bytes, name: name, options: options)
        if WordFile.isObject(source) { return WordJSONReader.isLikely(source) ? .words : .texts }
        return WordLineReader.areLikely(source) ? .words : .texts
    }

    public var kind: Kind {
        switch self {
        case .texts: .texts
        case .words: .words
        }
    }

    /// The file as the user spelled it.
    public var name: String {
        switch self {
        case .texts(let file): file.name
        case .words(let file): file.name
        }
    }

    /// The number of examples, or of sentences.
    public var count: Int {
        switch self {
        case .texts(let file): file.count
        case .words(let file): file.count
        }
    }

    public var hasLabels: Bool {
        switch self {
        case .texts(let file): file.hasLabels
        case .words(let file): file.hasLabels
        }
    }

    public var hasPairs: Bool {
        if case .texts(let file) = self { file.hasPairs } else { false }
    }

    /// The number of the line that an example begins on.
    public func line(_ example: Int) -> Int {
        switch self {
        case .texts(let file): file.line(example)
        case .words(let file): file.line(example)
        }
    }

    public var remarks: [String] {
        switch self {
        case .texts(let file): file.remarks
        case .words(let file): file.remarks
        }
    }

    /// How the labels are found among a model's classes; nil for scores.
    public func matching(of kind: TaskKind) throws(Failure) -> LabelMatching? {
        switch (self, kind) {
        case (.texts(let file), _): try file.targets(for: kind).matching
        case (.words(let file), .classification(let labels)):
            try file.targets(among: labels).matching
        case (.words, .regression): nil
        }
    }

    /// The names of the classes that occur, as a model trained from scratch has them.
    public func labelSet() throws(Failure) -> [String] {
        switch self {
        case .texts(let file): try file.labelSet()
        case .words(let file): try file.labelSet()
        }
    }
}

extension EncodedDataset {
    /// Encodes a file of either kind.
    ///
    /// - Parameter kind: what the labels mean; `nil` leaves the data unlabelled.
    public init(
        _ file: LabelledFile,
        kind: TaskKind?,
        tokenizer: WordPieceTokenizer,
        maximumLength: Int,
        workers: Int
    ) throws(Failure) {
        switch file {
        case .texts(let file):
            try self.init(
                file,
                kind: kind,
                tokenizer: tokenizer,
                maximumLength: maximumLength,
                workers: workers
            )
        case .words(let file):
            var labels: [String]?
            switch kind {
            case .classification(let names): labels = names
            case .regression:
                throw Failure(.usage, file.name, "its words have labels, and scores are wanted")
            case nil: break
            }
            try self.init(
                file,
                labels: labels,
                tokenizer: tokenizer,
                maximumLength: maximumLength
            )
        }
    }
}
