/// How well named entities are found in sentences whose words are labelled `B-PER`, `I-PER`, `O`.
///
/// An entity is right if its kind and its first and last word are. Labels are read as seqeval reads them
/// by default: `B` and `S` begin an entity, `E` and `S` end one, another kind begins one, and so does an
/// `I` or `E` behind `O` or behind an end; entities of all kinds are counted together.
///
/// - Source: seqeval 1.2, `get_entities`, after the evaluation script of CoNLL-2000.
public struct EntityScores: Sendable, Hashable {
    /// Entities that are true, that are answered, and that are both.
    public let actual: Int
    public let answered: Int
    public let correct: Int

    /// - Parameters:
    ///   - predictions: each word's answered class.
    ///   - targets: each word's true class.
    ///   - sentences: where each sentence begins, and the end. [sentences + 1]
    ///   - labels: the classes' names.
    public init(predictions: [Int], targets: [Int], sentences: [Int], labels: [String]) {
        precondition(predictions.count == targets.count && sentences.last == targets.count)
        let tags = labels.map(Tag.init)
        let found = Entity.all(predictions, sentences, tags)
        let wanted = Entity.all(targets, sentences, tags)
        (actual, answered) = (wanted.count, found.count)
        correct = Set(wanted).intersection(found).count
    }

    /// Whether labels mark entities: `O`, and one of `B-`, `I-`, `E-`, `S-` before a kind.
    public static func areMarked(by labels: [String]) -> Bool {
        let marked = labels.filter { label in
            label.utf8.count > 2 && label.utf8.dropFirst().first == 0x2D
                && "BIES".utf8.contains(label.utf8.first ?? 0)
        }
        return !marked.isEmpty && labels.allSatisfy { $0 == "O" || marked.contains($0) }
    }

    /// The share of answered entities that are true; 0 if there are none but true ones, `nil` if there are
    /// no entities at all.
    public var precision: Double? { share(correct, of: answered) }

    /// The share of true entities that are answered, likewise.
    public var recall: Double? { share(correct, of: actual) }

    /// 2 · right ÷ (true + answered); `nil` if there are no entities at all.
    public var f1: Double? { share(2 * correct, of: actual + answered) }

    private func share(_ part: Int, of whole: Int) -> Double? {
        guard actual + answered > 0 else { return nil }
        return whole > 0 ? Double(part) / Double(whole) : 0
    }
}

/// A label as its place in an entity and the entity's kind.
private struct Tag {
    let place: UInt8
    let kind: String

    static let outside = Tag("O")

    init(_ label: String) {
        place = label.utf8.first ?? 0x4F
        kind = String(label.dropFirst(2))
    }

    var isOutside: Bool { place == 0x4F }
    /// `B` or `S`.
    private var begins: Bool { place == 0x42 || place == 0x53 }
    /// `E` or `S`.
    private var ends: Bool { place == 0x45 || place == 0x53 }

    /// Whether the entity that `self` is in goes no further where `next` follows.
    func isLast(before next: Tag) -> Bool {
        !isOutside && (ends || next.begins || next.isOutside || kind != next.kind)
    }

    /// Whether an entity begins here, `previous` standing before it.
    func isFirst(behind previous: Tag) -> Bool {
        !isOutside && (begins || previous.isOutside || previous.ends || previous.kind != kind)
    }
}

private struct Entity: Hashable {
    let kind: String
    let words: Range<Int>

    static func all(_ classes: [Int], _ sentences: [Int], _ tags: [Tag]) -> [Entity] {
        var found: [Entity] = []
        for (start, end) in zip(sentences, sentences.dropFirst()) {
            var previous = Tag.outside
            var first = start
            for word in start...end {
                let tag = word < end ? tags[classes[word]] : .outside
                if previous.isLast(before: tag) {
                    found.append(Entity(kind: previous.kind, words: first..<word))
                }
                if tag.isFirst(behind: previous) { first = word }
                previous = tag
            }
        }
        return found
    }
}
