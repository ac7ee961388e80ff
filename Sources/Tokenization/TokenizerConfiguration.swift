public import Diagnostics
public import Foundation

/// How text is folded before it is looked up in the vocabulary.
public struct TokenizerConfiguration: Hashable, Sendable {
    /// Whether words are lower-cased.
    public var lowercase: Bool
    /// Whether accents are stripped (canonical decomposition without nonspacing marks); `nil`: as
    /// `lowercase`.
    public var stripAccents: Bool?
    /// Whether every Chinese character is a word of its own.
    public var splitChineseCharacters: Bool
    /// Words of more scalars than this become `[UNK]`.
    public var maximumWordLength: Int
    /// The most tokens a sequence may have, as far as the tokenizer's files say;
    /// ``unlimitedLength`` if they say nothing. The model's position table sets a limit too.
    public var modelMaximumLength: Int
    /// Whether `lowercase` was concluded from the vocabulary because no file states it.
    public private(set) var casingWasInferred = false

    /// Stands for "no limit", which files express by numbers such as 1e30, or not at all.
    public static let unlimitedLength = Int(Int32.max)

    public init(
        lowercase: Bool,
        stripAccents: Bool? = nil,
        splitChineseCharacters: Bool = true,
        maximumWordLength: Int = 100,
        modelMaximumLength: Int = Self.unlimitedLength
    ) {
        self.lowercase = lowercase
        self.stripAccents = stripAccents
        self.splitChineseCharacters = splitChineseCharacters
        self.maximumWordLength = maximumWordLength
        self.modelMaximumLength = modelMaximumLength
    }

    /// Reads `tokenizer_config.json` of a model folder, where there is one. If nothing states
    /// `do_lower_case`, the model is taken for a cased one when a piece of its vocabulary has an
    /// upper-case letter; ``casingWasInferred`` then is true.
    ///
    /// - Throws: `Failure` if the file is no JSON object, if a value has the wrong type, or if it
    ///   asks for something this tokenizer does not do (another word splitter, other special
    ///   pieces, added pieces).
    public init(folder: URL, vocabulary: Vocabulary) throws(Failure) {
        let url = folder.appending(path: "tokenizer_config.json")
        var stated: TokenizerConfigurationFile?
        if FileManager.default.fileExists(atPath: url.path) {
            stated = try TokenizerConfigurationFile(contentsOf: url)
        }
        self.init(
            lowercase: stated?.lowercase ?? !vocabulary.isCased,
            stripAccents: stated?.stripAccents,
            splitChineseCharacters: stated?.splitChineseCharacters ?? true,
            modelMaximumLength: stated?.maximumLength ?? Self.unlimitedLength
        )
        casingWasInferred = stated?.lowercase == nil
    }

    /// Whether accents are stripped.
    public var stripsAccents: Bool { stripAccents ?? lowercase }
}

extension Vocabulary {
    /// Whether a piece has a letter that lower-casing changes. Pieces in brackets (`[UNK]`,
    /// `[unused1]`) do not count.
    var isCased: Bool {
        let lowering = TokenizerConfiguration(lowercase: true, stripAccents: false)
        let folding = FoldingTable(lowering)
        return pieces.contains { piece in
            if piece.utf8.first == UInt8(ascii: "["), piece.utf8.last == UInt8(ascii: "]") {
                return false
            }
            return piece.unicodeScalars.contains { scalar in
                let action = folding.action(scalar.value)
                return action.kind == .several || action.kind == .word && action.payload != 0
            }
        }
    }
}
