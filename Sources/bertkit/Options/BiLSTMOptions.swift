import ArgumentParser
import Bert
import BiLSTM
import Datasets
import Diagnostics

enum StudentKind: String, CaseIterable, ExpressibleByArgument { case bert, bilstm }

/// The sizes of a BiLSTM that ordinary encoders do not have.
struct BiLSTMOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Width of a BiLSTM's word-piece embeddings (default: \(Self.standardEmbedding), or the "
                + "teacher's width if they start as its and that is less); 'distill' also makes an "
                + "encoder's narrower than its hidden states with it, by the singular vectors of its start.",
            valueName: "count"
        )
    )
    var embedding: Int?

    @Option(
        help: ArgumentHelp(
            "Units of a BiLSTM in each direction (default: \(Self.standardUnits)).",
            valueName: "count"
        )
    )
    var units: Int?

    static let standardEmbedding = 300
    /// Tang et al.'s for SST-2, as the hidden layer's.
    static let standardUnits = 150
    static let standardHidden = 200
    static let standardDropout = 0.1
    static let standardLearningRate = 2e-3

    func validate() throws {
        try Limits.check("--embedding", embedding, 1...65_536)
        try Limits.check("--units", units, 1...65_536)
    }

    /// The options that were given.
    var given: [String] {
        [embedding != nil ? "--embedding" : nil, units != nil ? "--units" : nil].compactMap(\.self)
    }

    /// The configuration that the options describe.
    ///
    /// - Parameters:
    ///   - widest: the most dimensions that the start has.
    ///   - hidden: `--hidden`.
    ///   - dropout: `--dropout`.
    func configuration(
        _ kind: TaskKind,
        vocabularySize: Int,
        readsPairs: Bool,
        widest: Int = .max,
        hidden: Int?,
        dropout: Double?
    ) -> BiLSTMConfiguration {
        let (labels, problem) = kind.head
        return BiLSTMConfiguration(
            vocabularySize: vocabularySize,
            embeddingSize: embedding ?? min(Self.standardEmbedding, widest),
            units: units ?? Self.standardUnits,
            hiddenSize: hidden ?? Self.standardHidden,
            readsPairs: readsPairs,
            dropout: dropout ?? Self.standardDropout,
            labels: labels,
            problemType: problem
        )
    }

    /// Refuses to label words.
    ///
    /// - Parameter source: what has labels for them.
    static func checkAnswers(_ head: Head, _ source: String) throws(Failure) {
        guard head == .tokenClassification else { return }
        throw Failure(
            .badData,
            source,
            "it labels words, and a BiLSTM answers whole texts",
            remedy: "Leave '--student bilstm' out"
        )
    }

    /// Refuses sizes that were asked for and are not the folder's.
    func check(
        against configuration: BiLSTMConfiguration,
        hidden: Int?,
        folder: String
    ) throws(Failure) {
        let sizes = [
            ("--embedding", embedding, configuration.embeddingSize),
            ("--units", units, configuration.units), ("--hidden", hidden, configuration.hiddenSize),
        ]
        for (option, wanted, own) in sizes {
            guard let wanted, wanted != own else { continue }
            throw Failure(
                .usage,
                option,
                "\(wanted) was asked for, but the model in \(printable(folder)) has \(own)",
                remedy: "Leave \(option) out"
            )
        }
    }
}

extension ShapeOptions {
    /// Refuses sizes that a BiLSTM does not have.
    func checkDescribesBiLSTM() throws {
        let others = [
            ("--layers", layers), ("--heads", heads), ("--intermediate", intermediate),
        ]
        if let (name, _) = others.first(where: { $0.1 != nil }) {
            throw ValidationError(
                "'\(name)' is a size of a transformer; a BiLSTM has '--embedding', '--units' and "
                    + "'--hidden'"
            )
        }
    }
}
