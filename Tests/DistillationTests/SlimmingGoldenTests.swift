import Bert
import Datasets
import Distillation
import Foundation
import Kernels
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

/// PyTorch's and numpy's slimmer students of a small model: `fixtures/generate/slimming_goldens.py`.
private struct SlimmingGolden {
    let file: Golden
    let teacher: BertModel
    let data: EncodedDataset

    init() throws {
        file = try Golden("slimming.h5")
        let source = try Golden("bert_classifier_gelu.h5")
        let configuration = try BertConfigurationFile(
            contentsOf: Fixtures.folder.appending(
                path: "goldens/bert_classifier_gelu.config.json"
            )
        ).configuration
        teacher = BertModel(
            configuration,
            parameters: try BertParameters<Shape>(configuration).map { name, _ in
                try source.tensor("parameters/\(name)")
            }
        )
        let (ids, types) = (
            try source.integers("batch/ids"), try source.integers("batch/token_types")
        )
        let offsets = try source.integers("batch/offsets").map { Int($0) }
        let encodings = zip(offsets, offsets.dropFirst()).map { start, end in
            Encoding(
                ids: Array(ids[start..<end]),
                tokenTypes: Array(types[start..<end]),
                truncated: 0
            )
        }
        let labels = try source.integers("batch/targets").map {
            configuration.labels[Int($0)]
        }
        let rows = labels.enumerated().map { "t\($0)\t\($1)\n" }.joined()
        data = try EncodedDataset(
            try TaskFile(bytes: Array("sentence\tlabel\n\(rows)".utf8), name: "golden.tsv"),
            kind: .classification(labels: configuration.labels)
        ) { (PackedBatch(encodings), 0) }
    }

    func batches(_ ranges: [Range<Int>]) -> [TrainingBatch] {
        ranges.map {
            TrainingBatch(sequences: data.batch(Array($0)[...]), examples: Array($0)[...])
        }
    }

    /// What a case asks for, and its student here.
    func student(_ method: SlimmingMethod) throws -> BertParameters<Tensor> {
        func size(_ name: String) throws -> Int {
            Int(try file.integers("\(method.rawValue)/shape/\(name)")[0])
        }
        return try Student.slimmed(
            method,
            layers: try file.integers("\(method.rawValue)/shape/layers").map { Int($0) },
            of: teacher,
            shape: StudentShape(
                layers: nil,
                hidden: try size("hidden"),
                heads: try size("heads"),
                intermediate: try size("intermediate")
            ),
            data: data,
            seed: 3,
            pool: WorkerPool(workerCount: 2)
        ).model.parameters
    }
}

@Suite("Slimmed students as PyTorch and numpy compute them")
struct SlimmingGoldenTests {
    @Test(
        "importance is autograd's |gradient · weight|, summed over batches",
        arguments: [("one", [0..<6]), ("two", [0..<3, 3..<6])]
    )
    func scores(_ name: String, _ ranges: [Range<Int>]) throws {
        let golden = try SlimmingGolden()
        let found = ImportanceScores(
            of: golden.teacher,
            on: golden.batches(ranges),
            targets: golden.data.targets,
            pool: WorkerPool(workerCount: 2)
        )
        func compare(_ actual: [Double], _ part: String) throws {
            let expected = try golden.file.doubles("scores/\(name)/\(part)")
            let largest = expected.max() ?? 0
            expectClose(
                actual: actual,
                expected: expected,
                absolute: 1e-5 * largest,
                relative: 1e-5,
                reason: "\(part), single precision"
            )
        }
        for (index, layer) in found.layers.enumerated() {
            try compare(layer.heads, "\(index)/heads")
            try compare(layer.queries, "\(index)/queries")
            try compare(layer.values, "\(index)/values")
            try compare(layer.neurons, "\(index)/neurons")
        }
        try compare(found.hidden, "hidden")
        try compare(found.pooled, "pooled")
    }

    @Test("every weight of a student is numpy's", arguments: SlimmingMethod.allCases)
    func weights(_ method: SlimmingMethod) throws {
        let golden = try SlimmingGolden()
        let found = try golden.student(method)
        let names = try golden.file.names(in: "\(method.rawValue)/parameters")
        #expect(found.leaves.map(\.name).sorted() == names)
        for (name, tensor) in found.leaves {
            let expected = try golden.file.tensor("\(method.rawValue)/parameters/\(name)")
            #expect(tensor.shape == expected.shape, "\(name)")
            // Of a selection the weights are the teacher's own; directions come from sums in single precision.
            let tolerance = method == .leading || method == .importance ? 1e-6 : 1e-4
            let error = relativeL2(tensor.values, expected.values)
            #expect(error < tolerance, "\(name) of \(method): \(error)")
        }
    }
}
