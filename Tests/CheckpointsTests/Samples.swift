import Bert
import Checkpoints
import Diagnostics
import Foundation
import Tensors
import Testing

/// A small model whose dimensions are pairwise different, so that a transpose shows.
let sampleConfiguration = BertConfiguration(
    hiddenSize: 12,
    hiddenLayerCount: 2,
    attentionHeadCount: 3,
    intermediateSize: 20,
    vocabularySize: 17,
    maximumPositionCount: 11,
    tokenTypeCount: 2,
    layerNormEpsilon: 1e-12,
    activation: .geluTanh(name: "gelu_new"),
    hiddenDropoutProbability: 0.1,
    attentionDropoutProbability: 0.25,
    classifierDropout: nil,
    initializerRange: 0.02,
    padTokenID: 0,
    labels: ["negative", "neutral", "positive"],
    problemType: .classification
)

/// Parameters whose every element is another number.
func sampleParameters(_ configuration: BertConfiguration) -> BertParameters<Tensor> {
    var next: Float = 0
    return BertParameters<Shape>(configuration).map { _, shape in
        Tensor(
            shape: shape,
            values: (0..<shape.count).map { _ in
                next += 1
                return next / 64 - 20
            }
        )
    }
}

let sampleVocabulary = ModelFolder.File(
    name: "vocab.txt",
    bytes: Array((0..<17).map { "token\($0)\n" }.joined().utf8)
)

func writeSample(
    to url: URL,
    configuration: BertConfiguration = sampleConfiguration,
    parameters: BertParameters<Tensor>? = nil,
    force: Bool = false,
    additionalFiles: [ModelFolder.File] = []
) throws(Failure) {
    try ModelFolder.write(
        configuration: configuration,
        parameters: parameters ?? sampleParameters(configuration),
        tokenizerFiles: [sampleVocabulary],
        records: { _ in [ModelFolder.File(name: "README.md", bytes: Array("# sample\n".utf8))] },
        to: url,
        force: force,
        additionalFiles: additionalFiles
    )
}

/// Runs `body` with an empty folder that is removed afterwards.
func withTemporaryFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory
        .appending(path: "bertkit-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
}

func failure(_ body: () throws -> Void) throws -> Failure {
    try #require(throws: Failure.self, performing: body)
}

func openingFailure(_ url: URL, requireHead: Bool = true) throws -> Failure {
    try failure { _ = try ModelFolder.open(url, requireHead: requireHead).loadParameters() }
}

/// The names in a folder, hidden ones included.
func names(in folder: URL) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
}

/// A store in memory, for what no writer would write.
struct SampleStore: TensorStore {
    var source = "sample.h5"
    var layout = "sample"
    var tensors: [(name: String, tensor: Tensor)]
    var elementTypes: [String: ElementType] = [:]

    var entries: [TensorEntry] {
        tensors.map { name, tensor in
            TensorEntry(
                name: name,
                shape: tensor.shape,
                elementType: elementTypes[name] ?? .float32
            )
        }
    }

    var files: [URL] { [] }

    func read(
        _ entry: TensorEntry,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Failure) {
        guard let found = tensors.first(where: { $0.name == entry.name }) else {
            throw Failure(.badData, source, "no \(entry.name)")
        }
        found.tensor.values.withUnsafeBytes { buffer.copyBytes(from: $0) }
    }
}
