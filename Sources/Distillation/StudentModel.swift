public import Bert
public import BiLSTM
public import Diagnostics
public import Evaluation
public import Foundation
public import Training

/// A model that can be distilled into: trained, run and written.
public protocol StudentModel: TrainableModel, SequenceModel {
    /// `BERT` or `BiLSTM`.
    var kindName: String { get }

    /// Says on a card what loads the folder.
    func describeUse(on card: inout ModelCard)

    /// Writes its folder, complete or not at all.
    ///
    /// - Parameters:
    ///   - tokenizerFiles: `vocab.txt`, `tokenizer_config.json`, ….
    ///   - records: gives what is written last, `README.md` above all, for the size of the weights file in
    ///     bytes.
    ///   - force: whether a folder of that name may be replaced.
    ///   - additionalFiles: whatever else belongs to the run.
    func write(
        tokenizerFiles: [ModelFolder.File],
        records: (_ weightsByteCount: Int) throws(Failure) -> [ModelFolder.File],
        to url: URL,
        force: Bool,
        additionalFiles: [ModelFolder.File]
    ) throws(Failure)
}

extension BertModel: StudentModel {
    public var kindName: String { "BERT" }

    public func describeUse(on card: inout ModelCard) {
        card.use = ModelCard.use(of: configuration.modelType, configuration.head)
    }

    public func write(
        tokenizerFiles: [ModelFolder.File],
        records: (_ weightsByteCount: Int) throws(Failure) -> [ModelFolder.File],
        to url: URL,
        force: Bool,
        additionalFiles: [ModelFolder.File]
    ) throws(Failure) {
        try ModelFolder.write(
            configuration: configuration,
            parameters: parameters,
            tokenizerFiles: tokenizerFiles,
            records: records,
            to: url,
            force: force,
            additionalFiles: additionalFiles
        )
    }
}

extension BiLSTMModel: StudentModel {
    public var kindName: String { "BiLSTM" }

    public func describeUse(on card: inout ModelCard) {
        card.library = "keras"
        card.tags = card.tags.map { $0 == "bert" ? "bilstm" : $0 }
        card.use = BiLSTMFolder.use(of: configuration)
    }

    public func write(
        tokenizerFiles: [ModelFolder.File],
        records: (_ weightsByteCount: Int) throws(Failure) -> [ModelFolder.File],
        to url: URL,
        force: Bool,
        additionalFiles: [ModelFolder.File]
    ) throws(Failure) {
        try BiLSTMFolder.write(
            self,
            tokenizerFiles: tokenizerFiles,
            records: records,
            to: url,
            force: force,
            additionalFiles: additionalFiles
        )
    }
}
