public import Kernels

/// Whatever gives the words of a sentence their parts of speech.
public protocol PartOfSpeechTagger: Sendable {
    /// - Parameter words: a sentence's words in their order, as Universal Dependencies split them
    ///   (``TextWords`` does so for English).
    /// - Returns: a tag for each word.
    func tags(of words: some Collection<String>) -> [PartOfSpeech]
}

extension PartOfSpeechTagger {
    /// Tags a text: its words, and the part of speech of each.
    public func tags(of text: String) -> (words: TextWords, tags: [PartOfSpeech]) {
        let words = TextWords(text)
        return (words, tags(of: words.strings))
    }

    /// Tags many sentences on all workers.
    ///
    /// - Parameters:
    ///   - words: all words, sentence after sentence.
    ///   - offsets: where each sentence begins, and the end. [sentences + 1]
    /// - Returns: a tag for each word.
    public func tags(
        of words: [String],
        offsets: [Int],
        pool: WorkerPool
    ) -> [PartOfSpeech] {
        precondition(offsets.first == 0 && offsets.last == words.count, "offsets of all words")
        let (count, block) = (offsets.count - 1, 64)
        return [PartOfSpeech](unsafeUninitializedCapacity: words.count) { buffer, initialized in
            // Safe: a task writes its own sentences' tags.
            nonisolated(unsafe) let target = buffer
            pool.run((count + block - 1) / block) { task, _ in
                for sentence in task * block..<min(count, (task + 1) * block) {
                    let range = offsets[sentence]..<offsets[sentence + 1]
                    _ = UnsafeMutableBufferPointer(rebasing: target[range])
                        .initialize(from: tags(of: words[range]))
                }
            }
            initialized = words.count
        }
    }
}
