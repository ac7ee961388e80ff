import Bert
import BiLSTM
import Datasets
import Diagnostics
import Distillation
import Evaluation
import Foundation
import Tokenization

/// A model about to be trained, of whatever kind.
struct Pupil {
    let model: any StudentModel
    /// What a person is told: where the weights come from and what was created.
    let origin: [String]

    init(model: any StudentModel, origin: [String]) {
        (self.model, self.origin) = (model, origin)
    }

    init(_ student: Student) {
        self.init(model: student.model, origin: student.origin)
    }

    /// nil for a model without a transformer's layers.
    var bert: BertConfiguration? { (model as? BertModel)?.configuration }

    /// The weights of a folder, for a task.
    ///
    /// - Throws: `Failure` where its head answers otherwise.
    static func bilstm(
        _ folder: BiLSTMFolder,
        _ kind: TaskKind,
        dropout: Double?
    ) throws(Failure) -> Pupil {
        let (labels, problem) = kind.head
        let own = folder.configuration
        guard own.labels == labels, own.problemType == problem else {
            func list(_ labels: [String]) -> String {
                "[" + labels.map(printable).joined(separator: ", ") + "]"
            }
            throw Failure(
                .badData,
                folder.url.relativePath,
                "its head answers \(list(own.labels)), but the task has \(list(labels))",
                remedy: "Use data with the same labels, or start with new weights"
            )
        }
        let read = try folder.loadModel()
        var configuration = own
        configuration.dropout = dropout ?? own.dropout
        let model = BiLSTMModel(zeros: configuration)
        for (name, tensor) in read.parameters { model.set(name, to: tensor) }
        return Pupil(
            model: model,
            origin: ["weights from \(printable(folder.url.relativePath))"]
        )
    }
}

extension TaskKind {
    /// What a head is called in a configuration.
    var head: (labels: [String], problem: BertConfiguration.ProblemType) {
        switch self {
        case .classification(let labels): (labels, .classification)
        case .regression: (["score"], .regression)
        }
    }
}
