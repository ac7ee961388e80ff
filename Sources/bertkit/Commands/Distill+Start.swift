import Bert
import Datasets
import Diagnostics
import Distillation
import Foundation

extension Distill {
    private var shape: StudentShape { StudentShape(student.shape) }

    /// How the embeddings of a student that is no BiLSTM become narrower than its hidden states.
    private var factorization: EmbeddingFactorization? {
        student.bilstm.embedding.map(EmbeddingFactorization.init)
    }

    /// Where the student starts: what was asked for, or what suits its shape. Refuses a slimmed student
    /// that this teacher does not hold.
    func start(from teacher: BertConfiguration) throws(Failure) -> StudentStart {
        if let start = student.`init` {
            if case .slimmed = start {
                _ = try slimmed(start, teacher)
            }
            return start
        }
        let isNarrower = [
            (shape.hidden, teacher.hiddenSize), (shape.heads, teacher.attentionHeadCount),
            (shape.intermediate, teacher.intermediateSize),
        ].contains { $0.0 != nil && $0.0 != $0.1 }
        guard isNarrower else { return .teacherLayers(nil) }
        let slimmed = StudentStart.slimmed(.pca, nil)
        do {
            _ = try self.slimmed(slimmed, teacher)
            return slimmed
        } catch {
            // A shape that this teacher does not hold; without all sizes nothing else can be meant.
            guard student.shape.missing.isEmpty else { throw error }
            return .random
        }
    }

    /// The configuration of a slimmed student.
    func slimmed(
        _ start: StudentStart,
        _ teacher: BertConfiguration
    ) throws(Failure) -> BertConfiguration {
        let configuration = try shape.slimmed(teacher, layers: try layers(of: start, teacher))
        return try factorization?.configuration(of: configuration) ?? configuration
    }

    /// The teacher's layers that a start takes over.
    private func layers(
        of start: StudentStart,
        _ teacher: BertConfiguration
    ) throws(Failure) -> [Int] {
        if let listed = start.layers { return listed }
        let count = teacher.hiddenLayerCount
        let wanted = shape.layers ?? count
        guard wanted <= count else {
            throw Failure(
                .usage,
                "--layers",
                "\(wanted) layers cannot be copied from a teacher of \(count)"
            )
        }
        return LayerSelection.evenlySpaced(studentLayers: wanted, teacherLayers: count)
    }

    /// The student, unless its start reads the training data.
    func prepare(
        _ start: StudentStart,
        _ teacher: TextClassifier,
        _ general: MaskedLanguageModel?,
        work: TrainingRun
    ) throws -> Student? {
        switch start {
        case .slimmed: return nil
        case .teacherEmbeddings: preconditionFailure("refused before")
        case .random: return try random(like: teacher.configuration, work)
        case .teacherLayers:
            guard let general else { return try copied(teacher.model, start, work) }
            let encoder = try copied(general.model, start, work)
            var configuration = encoder.model.configuration
            configuration.head = teacher.configuration.head
            configuration.labels = teacher.configuration.labels
            configuration.problemType = teacher.configuration.problemType
            let model = BertModel(configuration, seed: training.seed)
            model.copyShared(from: teacher.model)
            model.copyShared(from: encoder.model)
            return Student(
                model: model,
                origin: encoder.origin.map { $0 + " of pieces" }
                    + [
                        (configuration.hasPooler ? "pooler and classifier" : "classifier")
                            + " of the other teacher, where their shapes are equal"
                    ]
            )
        case .folder(let path):
            let folder = try ModelFolder.open(
                URL(filePath: path),
                requireHead: false,
                head: teacher.configuration.head
            )
            let vocabulary = try folder.loadVocabulary()
            try vocabulary.check(agreesWith: teacher.vocabulary, student: printable(path))
            let student = try Student.pretrained(
                folder,
                labels: teacher.configuration.labels,
                problemType: teacher.configuration.problemType,
                seed: training.seed,
                adjust: { work.applyDropout(to: &$0) }
            )
            try checkSizes(of: student.model.configuration, folder: path)
            return student
        }
    }

    /// Refuses sizes that were asked for and are not the folder's.
    func checkSizes(of configuration: BertConfiguration, folder: String) throws(Failure) {
        try shape.check(against: configuration, folder: folder)
        guard let wanted = student.bilstm.embedding, wanted != configuration.embeddingSize else {
            return
        }
        throw Failure(
            .usage,
            "--embedding",
            "\(wanted) was asked for, but the model in \(printable(folder)) has "
                + "\(configuration.embeddingSize)",
            remedy: "Leave --embedding out"
        )
    }

    /// A student of a configuration's kind with new weights.
    func random(like teacher: BertConfiguration, _ work: TrainingRun) throws(Failure) -> Student {
        var configuration = teacher
        configuration.hiddenLayerCount = shape.layers ?? configuration.hiddenLayerCount
        configuration.hiddenSize = shape.hidden ?? configuration.hiddenSize
        configuration.attentionHeadCount = shape.heads ?? configuration.attentionHeadCount
        configuration.prunedHeads = [:]
        configuration.intermediateSize = shape.intermediate ?? configuration.intermediateSize
        configuration = try factorization?.configuration(of: configuration) ?? configuration
        work.applyDropout(to: &configuration)
        try configuration.checkFits(output.output)
        return .random(configuration, seed: training.seed)
    }

    /// A student of some of a teacher's layers: those that the start lists, else as many as are asked
    /// for, evenly spaced.
    func copied(
        _ teacher: BertModel,
        _ start: StudentStart,
        _ work: TrainingRun
    ) throws(Failure) -> Student {
        try factorized(
            .copying(
                layers: try layers(of: start, teacher.configuration),
                of: teacher,
                shape: shape,
                adjust: { work.applyDropout(to: &$0) }
            ),
            work
        )
    }

    private func factorized(
        _ student: Student,
        _ work: TrainingRun
    ) throws(Failure) -> Student {
        try factorization?.apply(to: student, seed: training.seed, pool: work.pool) ?? student
    }

    /// A slimmed student.
    func slim(
        _ start: StudentStart,
        _ teacher: BertModel,
        data: EncodedDataset,
        work: TrainingRun
    ) throws(Failure) -> Student {
        guard case .slimmed(let method, _) = start else { preconditionFailure("another start") }
        work.remarks.say("student: slimming the teacher")
        return try factorized(
            .slimmed(
                method,
                layers: try layers(of: start, teacher.configuration),
                of: teacher,
                shape: shape,
                data: data,
                seed: training.seed,
                pool: work.pool,
                adjust: { work.applyDropout(to: &$0) }
            ),
            work
        )
    }
}
