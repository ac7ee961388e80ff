import ArgumentParser
import Bert
import BiLSTM
import Datasets
import Diagnostics
import Distillation
import Evaluation
import Foundation
import Kernels
import Training

extension Distill {
    /// Whether the student is to be one: recipe bilstm is for nothing else unless it is said.
    var isBiLSTM: Bool {
        student.kind.map { $0 == .bilstm } ?? (recipe.recipe == "bilstm")
    }

    var recipeName: String { recipe.recipe ?? (isBiLSTM ? "bilstm" : "logits") }

    /// Refuses what is none of a BiLSTM's, or is of one alone.
    func checkKind() throws {
        guard isBiLSTM else {
            if student.bilstm.units != nil {
                throw ValidationError("'--units' is a size of a BiLSTM: add '--student bilstm'")
            }
            if student.`init` == .teacherEmbeddings {
                throw ValidationError(
                    "'--init teacher-embeddings' starts a BiLSTM: add '--student bilstm'"
                )
            }
            return
        }
        try student.shape.checkDescribesBiLSTM()
        if data.train == nil {
            throw ValidationError(
                "A BiLSTM learns what a classifier answers to labelled examples: give '--train' and "
                    + "'--dev'"
            )
        }
        if teacher.generalTeacher != nil {
            throw ValidationError(
                "'--general-teacher' teaches word pieces, which a BiLSTM does not predict"
            )
        }
        if training.precision != .f32 {
            throw ValidationError("A BiLSTM is trained in f32: leave '--precision' out")
        }
        switch student.`init` {
        case .teacherLayers, .slimmed:
            throw ValidationError(
                "A BiLSTM has no layers to start from a teacher's; '--init' takes random, "
                    + "teacher-embeddings or a BiLSTM's folder"
            )
        case nil, .random, .teacherEmbeddings, .folder: break
        }
    }

    /// Where a BiLSTM starts: what was asked for, else the teacher's embeddings where there is one
    /// teacher that has as many dimensions.
    func bilstmStart(_ teachers: DistillationTeachers) -> StudentStart {
        if let start = student.`init` { return start }
        let widest = teachers.layered.configuration.embeddingSize
        let fits = student.bilstm.embedding.map { $0 <= widest } ?? true
        let isOne = teachers.all.count == 1 || teacher.layerTeacher != nil
        return isOne && fits ? .teacherEmbeddings : .random
    }

    func bilstm(
        _ start: StudentStart,
        _ teacher: TextClassifier,
        readsPairs: Bool,
        work: TrainingRun
    ) throws(Failure) -> Pupil {
        let kind = teacher.configuration.taskKind
        if readsPairs, let text = recipe.text {
            throw Failure(
                .usage,
                "--text",
                "\(printable(text)) has single texts, and the student reads pairs",
                remedy: "Leave it out"
            )
        }
        if case .folder(let path) = start {
            let folder = try BiLSTMFolder(contentsOf: URL(filePath: path))
            let vocabulary = try folder.loadVocabulary()
            try vocabulary.check(agreesWith: teacher.vocabulary, student: printable(path))
            try student.bilstm.check(
                against: folder.configuration,
                hidden: student.shape.hidden,
                folder: path
            )
            return try .bilstm(folder, kind, dropout: training.dropout)
        }
        let model = BiLSTMModel(
            student.bilstm.configuration(
                kind,
                vocabularySize: teacher.configuration.vocabularySize,
                readsPairs: readsPairs,
                widest: start == .teacherEmbeddings ? teacher.configuration.embeddingSize : .max,
                hidden: student.shape.hidden,
                dropout: training.dropout
            ),
            seed: training.seed
        )
        guard start == .teacherEmbeddings else {
            return Pupil(
                model: model,
                origin: ["every weight is new, drawn from seed \(training.seed)"]
            )
        }
        let share = try model.takeWordEmbeddings(of: teacher.model)
        return Pupil(
            model: model,
            origin: [
                "the teacher's word embeddings in \(model.configuration.embeddingSize) of "
                    + "\(teacher.configuration.embeddingSize) dimensions, "
                    + "\(Numbers.fixed(100 * share, 1)) % of their variance; the rest is new, drawn "
                    + "from seed \(training.seed)"
            ]
        )
    }
}
