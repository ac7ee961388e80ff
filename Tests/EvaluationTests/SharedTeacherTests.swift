import Bert
import Datasets
import Evaluation
import Foundation
import Kernels
import TestSupport
import Testing

@Suite("A real teacher, where it is present")
struct SharedTeacherTests {
    @Test(
        "its accuracy and every logit equal the TensorFlow model's",
        .enabled(if: Fixtures.shared != nil, "the real teacher is not on this machine")
    )
    func answersAsTensorFlowDoes() throws {
        let shared = try #require(Fixtures.shared)
        let folder = shared.appending(path: "teachers/minilm-sst2")
        let teacher = try TextClassifier(contentsOf: folder)
        let file = try TaskFile(contentsOf: shared.appending(path: "data/SST-2/dev.tsv"))
        let data = try EncodedDataset(
            file,
            kind: teacher.configuration.taskKind,
            tokenizer: teacher.tokenizer,
            maximumLength: 512,
            workers: 2
        )
        let pool = WorkerPool()
        let logits = try ModelRunner.logits(teacher.model, on: data, pool: pool)
        let reference = try String(
            contentsOf: folder.appending(path: "dev_logits.tsv"),
            encoding: .utf8
        ).split(separator: "\n").dropFirst().map { $0.split(separator: "\t") }
        #expect(reference.count == data.count)
        var right = 0
        var worst: Float = 0
        for (row, fields) in reference.enumerated() {
            let (negative, positive) = (logits[2 * row], logits[2 * row + 1])
            let prediction = positive > negative ? 1 : 0
            #expect(prediction == Int(fields[4]), "row \(row)")
            worst = max(worst, abs(negative - (Float(fields[2]) ?? .nan)))
            worst = max(worst, abs(positive - (Float(fields[3]) ?? .nan)))
            if prediction == Int(data.targets[row]) { right += 1 }
        }
        #expect(right == 774)
        #expect(worst < 1e-4, "largest difference of a logit: \(worst)")
        print("largest difference of a logit: \(worst)")
    }
}
