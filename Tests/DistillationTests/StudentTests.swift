import Bert
import Datasets
import Diagnostics
import Distillation
import Foundation
import Tensors
import Testing
import Tokenization
import Training

let teacherConfiguration = BertConfiguration(
    hiddenSize: 12,
    hiddenLayerCount: 4,
    attentionHeadCount: 3,
    intermediateSize: 20,
    vocabularySize: 9,
    maximumPositionCount: 8,
    tokenTypeCount: 2,
    layerNormEpsilon: 1e-12,
    activation: .gelu,
    hiddenDropoutProbability: 0.1,
    attentionDropoutProbability: 0.1,
    classifierDropout: nil,
    initializerRange: 0.02,
    padTokenID: 0,
    labels: ["no", "yes", "perhaps"],
    problemType: .classification
)

@Suite("How a student starts")
struct StudentTests {
    @Test(
        "layers are spread evenly with both ends",
        arguments: [
            (3, 6, [0, 2, 5]), (6, 12, [0, 2, 4, 6, 8, 11]), (4, 4, [0, 1, 2, 3]), (1, 6, [5]),
            (2, 6, [0, 5]), (5, 7, [0, 1, 3, 4, 6]),
        ]
    )
    func evenlySpaced(student: Int, teacher: Int, expected: [Int]) {
        #expect(
            LayerSelection.evenlySpaced(studentLayers: student, teacherLayers: teacher) == expected
        )
    }

    @Test("copied layers are the teacher's, bit for bit")
    func copying() throws {
        let teacher = BertModel(teacherConfiguration, seed: 7)
        let shape = StudentShape(layers: nil, hidden: 12, heads: nil, intermediate: nil)
        let student = try Student.copying(layers: [0, 3], of: teacher, shape: shape)
        let (old, new) = (teacher.parameters, student.model.parameters)
        #expect(new.encoder.layer.count == 2)
        #expect(
            new.encoder.layer[1].output.dense.weight == old.encoder.layer[3].output.dense.weight
        )
        #expect(new.embeddings.wordEmbeddings.weight == old.embeddings.wordEmbeddings.weight)
        #expect(new.classifier?.weight == old.classifier?.weight)
        #expect(student.model.configuration.labels == teacherConfiguration.labels)
    }

    @Test("a width that is not the teacher's, or a layer it lacks, is refused")
    func refusals() throws {
        let teacher = BertModel(teacherConfiguration, seed: 7)
        let wide = StudentShape(layers: nil, hidden: 24, heads: nil, intermediate: nil)
        let failure = #expect(throws: Failure.self) {
            _ = try Student.copying(layers: [0], of: teacher, shape: wide)
        }
        #expect(failure?.description.contains("--hidden is 24 and the teacher has 12") == true)
        let same = StudentShape(layers: nil, hidden: nil, heads: nil, intermediate: nil)
        let beyond = #expect(throws: Failure.self) {
            _ = try Student.copying(layers: [0, 4], of: teacher, shape: same)
        }
        #expect(beyond?.description.contains("layers 0 to 3, not 4") == true)
    }

    @Test("a new model has the documented distribution and depends on the seed alone")
    func initialization() {
        var configuration = teacherConfiguration
        configuration.hiddenSize = 96
        configuration.intermediateSize = 200
        let model = BertModel(configuration, seed: 3)
        let layer = model.parameters.encoder.layer[0]
        let values = layer.intermediate.dense.weight.values.map(Double.init)
        let mean = values.reduce(0, +) / Double(values.count)
        let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count))
            .squareRoot()
        #expect(abs(mean) < 0.0006)
        #expect(abs(deviation - 0.02) < 0.0005)
        #expect(layer.intermediate.dense.bias.values.allSatisfy { $0 == 0 })
        #expect(layer.output.layerNorm.weight.values.allSatisfy { $0 == 1 })
        let again = BertModel(configuration, seed: 3).parameters.encoder.layer[0]
        let other = BertModel(configuration, seed: 4).parameters.encoder.layer[0]
        #expect(again.intermediate.dense.weight == layer.intermediate.dense.weight)
        #expect(other.intermediate.dense.weight != layer.intermediate.dense.weight)
    }

    @Test("a vocabulary with other numbers is refused with the first difference")
    func vocabularies() throws {
        let marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        let teacher = try Vocabulary(pieces: marks + ["a", "b"])
        let swapped = try Vocabulary(pieces: marks + ["b", "a"])
        let longer = try Vocabulary(pieces: marks + ["a", "b", "c"])
        try teacher.check(agreesWith: teacher, student: "same/")
        let order = #expect(throws: Failure.self) {
            try swapped.check(agreesWith: teacher, student: "student/")
        }
        #expect(order?.description.contains("piece 5 of its vocabulary is \"b\"") == true)
        let size = #expect(throws: Failure.self) {
            try longer.check(agreesWith: teacher, student: "student/")
        }
        #expect(size?.description.contains("has 8 pieces and the teacher's 7") == true)
    }
}

@Suite("Looking at the teacher before training")
struct TeacherCheckTests {
    private let kind = TaskKind.classification(labels: ["no", "yes", "perhaps"])

    @Test("a teacher that knows its task raises no warning")
    func good() {
        let check = TeacherCheck(
            logits: answers([0, 1, 2, 0, 1, 2, 0, 1, 2, 1]),
            targets: [0, 1, 2, 0, 1, 2, 0, 1, 2, 0],
            kind: kind
        )
        #expect(check.score.value == 0.9)
        #expect(check.warning == nil)
    }

    @Test("answers that fit under another order of the labels are named")
    func permuted() throws {
        let check = TeacherCheck(
            logits: answers([1, 2, 0, 1, 2, 0, 1, 2, 0]),
            targets: [0, 1, 2, 0, 1, 2, 0, 1, 2],
            kind: kind
        )
        let warning = try #require(check.warning)
        #expect(warning.contains("label order"))
        #expect(warning.contains("no as perhaps, yes as no, perhaps as yes"))
        #expect(warning.contains("100.0 %"))
    }

    @Test("a teacher at chance is said to lack fine-tuning")
    func chance() throws {
        let check = TeacherCheck(
            logits: answers([0, 0, 0, 0, 0, 0]),
            targets: [0, 0, 1, 1, 2, 2],
            kind: kind
        )
        #expect(try #require(check.warning).contains("not fine-tuned"))
    }

    private func answers(_ classes: [Int]) -> [Float] {
        classes.flatMap { answer in (0..<3).map { $0 == answer ? 2 : -1 } }
    }
}
