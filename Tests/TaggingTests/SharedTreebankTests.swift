import Datasets
import Foundation
import Kernels
import Tagging
import TestSupport
import Testing

/// The English Web Treebank, where a machine has it.
@Suite(.enabled(if: Fixtures.shared != nil, "the treebank is not on this machine"))
struct SharedTreebankTests {
    private func read(_ part: String) throws -> TaggedSentences {
        let folder = try #require(Fixtures.shared)
        return try TaggedSentences(
            WordFile(
                contentsOf: folder.appending(path: "data/POS_ewt/\(part).txt"),
                options: TaskFile.Options(columns: ColumnSelection(label: .index(1)))
            )
        )
    }

    private func accuracy(_ tagger: PerceptronTagger, _ sentences: TaggedSentences) -> Double {
        let pool = WorkerPool()
        return TaggingScores(
            given: tagger.tags(of: sentences.words, offsets: sentences.offsets, pool: pool),
            right: sentences.tags,
            isKnown: sentences.words.map { tagger.knows($0) }
        ).accuracy
    }

    @Test
    func `94 % of the test part are right, and the tagger that is built in learns anew from it`()
        throws
    {
        let test = try read("test")
        var training = try PerceptronTraining(read("train"), name: "train.txt")
        for _ in 0..<8 { _ = training.runEpoch() }
        #expect(accuracy(training.tagger(), test) > 0.95)
        #expect(training.tagger().fileBytes == PerceptronTagger.englishBytes)
    }

    @Test func `a hundred thousand words a second are tagged on one processor`() throws {
        let test = try read("test")
        let tagger = PerceptronTagger.english
        let pool = WorkerPool(workerCount: 1)
        let times = (0..<5).map { _ in
            ContinuousClock().measure {
                _ = tagger.tags(of: test.words, offsets: test.offsets, pool: pool)
            }
        }
        let fastest = try #require(times.min())
        #expect(Double(test.words.count) / (fastest / .seconds(1)) > 100_000, "\(times)")
    }

    @Test func `words with spaces between them stay as they are`() throws {
        let test = try read("test")
        let same = (0..<test.count).count { sentence in
            let words = test.words[test.offsets[sentence]..<test.offsets[sentence + 1]]
            return TextWords(words.joined(separator: " ")).strings == Array(words)
        }
        #expect(Double(same) > 0.98 * Double(test.count))
    }
}
