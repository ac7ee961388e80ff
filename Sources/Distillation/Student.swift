public import Bert
public import Diagnostics
import Foundation
public import Tokenization

/// The sizes of a student; nil takes the start's own (the teacher's, or the folder's).
public struct StudentShape: Sendable, Hashable {
    public var layers: Int?
    public var hidden: Int?
    public var heads: Int?
    public var intermediate: Int?

    public init(layers: Int?, hidden: Int?, heads: Int?, intermediate: Int?) {
        (self.layers, self.hidden) = (layers, hidden)
        (self.heads, self.intermediate) = (heads, intermediate)
    }
}

/// A model about to be trained, and how it came about.
public struct Student: Sendable {
    public let model: BertModel
    /// What a person is told: where the weights come from and what was created.
    public let origin: [String]

    public init(model: BertModel, origin: [String]) {
        (self.model, self.origin) = (model, origin)
    }

    /// All weights new, from the seed.
    public static func random(
        _ configuration: BertConfiguration,
        seed: UInt64
    ) -> Student {
        Student(
            model: BertModel(configuration, seed: seed),
            origin: ["every weight is new, drawn from seed \(seed)"]
        )
    }

    /// The teacher's embeddings, some of its layers, its pooler and its head.
    ///
    /// - Parameters:
    ///   - layers: the teacher's layers from 0, one per student layer.
    ///   - adjust: changes what of the configuration is no shape, such as dropout.
    /// - Throws: `Failure` of kind `.usage` when a width differs from the teacher's or a layer does
    ///   not exist.
    public static func copying(
        layers: [Int],
        of teacher: BertModel,
        shape: StudentShape,
        adjust: (inout BertConfiguration) -> Void = { _ in }
    ) throws(Failure) -> Student {
        let source = teacher.configuration
        let widths = [
            ("--hidden", shape.hidden, source.hiddenSize),
            ("--heads", shape.heads, source.attentionHeadCount),
            ("--intermediate", shape.intermediate, source.intermediateSize),
        ]
        for (option, wanted, own) in widths {
            if let wanted, wanted != own {
                throw Failure(
                    .usage,
                    "--init teacher-layers",
                    "copied layers keep the teacher's widths, but \(option) is \(wanted) and the "
                        + "teacher has \(own)",
                    remedy: "Leave \(option) out, or start with --init random"
                )
            }
        }
        for layer in layers where !(0..<source.hiddenLayerCount).contains(layer) {
            throw Failure(
                .usage,
                "--init teacher-layers",
                "the teacher has layers 0 to \(source.hiddenLayerCount - 1), not \(layer)"
            )
        }
        var configuration = source
        configuration.keep(layers: layers)
        adjust(&configuration)
        var parameters = teacher.parameters
        parameters.encoder.layer = layers.map { parameters.encoder.layer[$0] }
        let list = layers.map(String.init).joined(separator: ", ")
        return Student(
            model: BertModel(configuration, parameters: parameters),
            origin: [
                "embeddings, layers \(list), "
                    + (source.head.predictsPieces
                        ? "and head"
                        : source.hasPooler ? "pooler and classifier" : "and classifier")
                    + " copied from the teacher"
            ]
        )
    }

    /// The weights of a folder; a missing task head is new.
    ///
    /// - Parameters:
    ///   - labels: the task's labels, which a head in the folder has to agree with.
    ///   - seed: for a new head.
    ///   - adjust: changes what of the configuration is no shape, such as dropout.
    public static func pretrained(
        _ folder: ModelFolder,
        labels: [String],
        problemType: BertConfiguration.ProblemType,
        seed: UInt64,
        adjust: (inout BertConfiguration) -> Void = { _ in }
    ) throws(Failure) -> Student {
        var configuration = folder.configuration
        let hasHead = !folder.report.absent.contains { $0.hasPrefix("classifier.") }
        if hasHead, configuration.labels != labels || configuration.problemType != problemType {
            throw Failure(
                .badData,
                folder.url.relativePath,
                "its head answers \(list(configuration.labels)), but the task has \(list(labels))",
                remedy: "Use an encoder without a task head, or data with the same labels"
            )
        }
        configuration.labels = labels
        configuration.problemType = problemType
        adjust(&configuration)
        let model = BertModel(configuration, seed: seed)
        let known = try folder.read(into: model.weights)
        let created = model.layout.entries.map(\.name).filter { !known.contains($0) }
        var origin = ["weights from \(printable(folder.url.relativePath))"]
        if !created.isEmpty {
            origin.append(
                "new, since the checkpoint has none: \(created.joined(separator: ", "))"
            )
        }
        return Student(model: model, origin: origin)
    }

    private static func list(_ labels: [String]) -> String {
        "[" + labels.map(printable).joined(separator: ", ") + "]"
    }
}

extension Vocabulary {
    /// Refuses a model whose pieces have other numbers than the teacher's.
    ///
    /// - Parameters:
    ///   - student: the model as the user spelled it.
    ///   - remedy: nil for a student's.
    public func check(
        agreesWith teacher: Vocabulary,
        student: String,
        remedy: String? = nil
    ) throws(Failure) {
        let remedy =
            remedy
            ?? "A student reads the teacher's tokens: start from a model with the same vocabulary, "
            + "or with --init random"
        guard pieces.count == teacher.pieces.count else {
            throw Failure(
                .badData,
                student,
                "its vocabulary has \(pieces.count) pieces and the teacher's \(teacher.pieces.count)",
                remedy: remedy
            )
        }
        for (id, (own, other)) in zip(pieces, teacher.pieces).enumerated()
        where !own.utf8.elementsEqual(other.utf8) {
            throw Failure(
                .badData,
                student,
                "piece \(id) of its vocabulary is \"\(printable(own))\" and of the teacher's "
                    + "\"\(printable(other))\"",
                remedy: remedy
            )
        }
    }
}
