import Datasets
import Evaluation

extension ExampleFacts {
    /// Of the examples of a file as a model read them.
    ///
    /// - Parameter quotesTexts: false says where an example stands instead of what it is: records beside a
    ///   model, which may be published, hold nothing of the data.
    init(
        _ file: LabelledFile,
        _ data: EncodedDataset,
        columns: [(name: String, values: [String])] = [],
        quotesTexts: Bool
    ) {
        let places = data.words.map { file.places(of: $0) } ?? []
        self.init(
            data: file.name,
            lengths: (0..<data.count).map(data.length(of:)),
            text: { answer in
                guard quotesTexts else { return "line \(file.line(data.example(of: answer)))" }
                if case .texts(let texts) = file {
                    return [texts.text(answer), texts.pair(answer)].compactMap(\.self)
                        .joined(separator: " ‖ ")
                }
                return "\(places[answer].word) (sentence \(places[answer].sentence))"
            },
            columns: columns
        )
    }
}

extension LabelledFile {
    /// The sentence, from 0, and the spelling of each answered word.
    func places(of words: AnsweredWords) -> [(sentence: Int, word: String)] {
        guard case .words(let file) = self else { return [] }
        return (0..<file.count).flatMap { sentence in
            words.numbers[words.offsets[sentence]..<words.offsets[sentence + 1]].map {
                (sentence, file.words[file.offsets[sentence] + $0])
            }
        }
    }
}
