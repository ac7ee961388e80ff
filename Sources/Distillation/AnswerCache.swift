public import Bert
import Checkpoints
public import Datasets
public import Diagnostics
public import Foundation
import Kernels
import Tensors

/// A teacher's answers to examples, kept in a file from run to run.
///
/// The file is named by the teacher: its weights, what its configuration computes, and the matrix
/// library; an answer by its example's tokens. So another file of examples finds the answers to those
/// that it shares, and another teacher none.
///
/// The file is this machine's bytes: 16 of mark; four 64-bit words, which are the teacher, the classes C,
/// the answers n, and the digest of what follows; n keys of two words; n × C 32-bit floats.
public struct AnswerCache: Sendable {
    public let url: URL
    private let teacher: UInt64
    private let classCount: Int
    private static let mark = Array("BertKitAnswers1\n".utf8)

    private struct Key: Hashable {
        let first: UInt64
        let second: UInt64
    }

    /// - Parameter folder: made when something is first written.
    public init(folder: URL, teacher: BertModel) {
        self.teacher = Self.digest(teacher)
        classCount = teacher.configuration.labels.count
        let name = String(self.teacher, radix: 16)
        let zeros = String(repeating: "0", count: 16 - name.count)
        url = folder.appending(path: "answers-\(zeros)\(name).bin")
    }

    /// What was found, and what had to be computed.
    public struct Answers: Sendable {
        /// `[answers, C]` row-major.
        public let logits: [Float]
        /// How many examples' answers were in the file.
        public let found: Int
        /// Why a file that is there was not used.
        public let problem: String?
    }

    /// The answers to all examples; those that the file lacks are computed and added to it.
    ///
    /// - Parameter compute: all answers to some examples, in their order, row-major.
    /// - Throws: `Failure` of kind `.badData` where a file of another kind has the name, and what
    ///   `compute` and writing throw.
    public func answers(
        to data: EncodedDataset,
        compute: (_ missing: [Int]) throws(Failure) -> [Float]
    ) throws(Failure) -> Answers {
        var (known, problem) = try read()
        let keys = (0..<data.count).flatMap { Self.keys(data, $0) }
        let missing = (0..<data.count).filter { example in
            data.answers(of: example).contains { known[keys[$0]] == nil }
        }
        if !missing.isEmpty {
            let computed = try compute(missing)
            for (row, answer) in data.answers(missing[...]).enumerated() {
                known[keys[answer]] = computed[row * classCount..<(row + 1) * classCount]
            }
            try write(known)
        }
        return Answers(
            logits: keys.flatMap { known[$0] ?? [] },
            found: data.count - missing.count,
            problem: problem
        )
    }

    // MARK: The file

    private typealias Known = [Key: ArraySlice<Float>]

    private func read() throws(Failure) -> (Known, problem: String?) {
        guard FileManager.default.fileExists(atPath: url.path) else { return ([:], nil) }
        guard let data = try? Data(contentsOf: url) else {
            throw Failure(.inputOutput, url.relativePath, "the teacher's answers cannot be read")
        }
        let start = Self.mark.count
        guard data.prefix(start).elementsEqual(Self.mark) else {
            throw Failure(
                .badData,
                url.relativePath,
                "it is not a file of a teacher's answers",
                remedy: "Remove it, or choose another folder with --cache"
            )
        }
        func word(_ index: Int) -> UInt64 {
            data.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: index, as: UInt64.self) }
        }
        let bodyStart = start + 32
        guard data.count >= bodyStart else { return ([:], "it ends within its header") }
        guard word(start) == teacher else { return ([:], "it holds another teacher's answers") }
        let (classes, count) = (word(start + 8), word(start + 16))
        let bytes = UInt64(data.count - bodyStart)
        guard classes == UInt64(classCount), count < 1 << 40,
            bytes == count * UInt64(16 + 4 * classCount)
        else { return ([:], "its length is not what its header says") }
        let body = data[bodyStart...]
        guard Self.digest(0, body) == word(start + 24) else {
            return ([:], "its content was changed since it was written")
        }
        var known: Known = [:]
        let answersStart = bodyStart + 16 * Int(count)
        let floats = data.withUnsafeBytes { bytes in
            (0..<Int(count) * classCount).map {
                bytes.loadUnaligned(fromByteOffset: answersStart + 4 * $0, as: Float.self)
            }
        }
        for index in 0..<Int(count) {
            let place = bodyStart + 16 * index
            known[Key(first: word(place), second: word(place + 8))] =
                floats[index * classCount..<(index + 1) * classCount]
        }
        return (known, nil)
    }

    private func write(_ known: Known) throws(Failure) {
        let order = known.keys.sorted { ($0.first, $0.second) < ($1.first, $1.second) }
        var body = Data()
        func append(_ value: some Any, to data: inout Data) {
            withUnsafeBytes(of: value) { data.append(contentsOf: $0) }
        }
        for key in order {
            append(key.first, to: &body)
            append(key.second, to: &body)
        }
        for key in order { for value in known[key] ?? [] { append(value, to: &body) } }
        var data = Data(Self.mark)
        for word in [teacher, UInt64(classCount), UInt64(order.count), Self.digest(0, body)] {
            append(word, to: &data)
        }
        try AtomicOutput.file(url, force: true, content: data + body)
    }

    // MARK: Names

    private static func digest(_ state: UInt64, _ bytes: some ContiguousBytes) -> UInt64 {
        bytes.withUnsafeBytes { ValueSummary.digest(state, $0) }
    }

    /// Of an example's one answer; or of each of its words, where the example's digest goes on with the
    /// word's row.
    private static func keys(_ data: EncodedDataset, _ example: Int) -> [Key] {
        let rows = data.offsets[example]..<data.offsets[example + 1]
        let tokens = Array(data.ids[rows]) + Array(data.tokenTypes[rows])
        let key = tokens.withUnsafeBytes { bytes in
            Key(
                first: ValueSummary.digest(UInt64(rows.count), bytes),
                second: ValueSummary.digest(0x9E37_79B9_7F4A_7C15, bytes)
            )
        }
        guard let words = data.words else { return [key] }
        return words.rows[data.answers(of: example)].map { row in
            [UInt64(row - rows.lowerBound)].withUnsafeBytes { bytes in
                Key(
                    first: ValueSummary.digest(key.first, bytes),
                    second: ValueSummary.digest(key.second, bytes)
                )
            }
        }
    }

    /// All that an answer depends on.
    private static func digest(_ model: BertModel) -> UInt64 {
        let own = model.configuration
        let text =
            "\(own.modelType.rawValue) \(own.attentionHeadCount) \(own.layerNormEpsilon) "
            + "\(own.activation.name) \(own.padTokenID) \(own.labels.count) \(own.problemType) "
            + MatrixBackend.description
        var state = digest(0, Array(text.utf8))
        for (name, slot) in model.layout.entries {
            state = digest(state, Array("\(name) \(slot.shape)".utf8))
            let weights = UnsafeRawBufferPointer(
                start: model.weights.pointer(slot),
                count: 4 * slot.shape.count
            )
            state = ValueSummary.digest(state, weights)
        }
        return state
    }
}
