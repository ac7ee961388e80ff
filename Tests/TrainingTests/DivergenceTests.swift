import Bert
import Datasets
import Diagnostics
import Kernels
import Tensors
import Testing
import Training

@Suite struct DivergenceTests {
    /// The cross entropy until some evaluation, and then a loss or a gradient that is not finite.
    private final class Spoiled: Objective, @unchecked Sendable {
        let inner: CrossEntropyLoss
        let spoiledCall: Int
        let spoilsGradient: Bool
        var calls = 0

        init(_ data: EncodedDataset, at call: Int, gradient: Bool) {
            inner = CrossEntropyLoss(targets: data.targets, classCount: SmallTask.classCount)
            (spoiledCall, spoilsGradient) = (call, gradient)
        }

        func evaluate(logits: [Float], examples: ArraySlice<Int>) -> ObjectiveValue {
            var value = inner.evaluate(logits: logits, examples: examples)
            calls += 1
            if calls == spoiledCall {
                if spoilsGradient {
                    value.gradient.logits[2] = .infinity
                } else {
                    value.loss = .infinity
                }
            }
            return value
        }
    }

    private func failure(_ trainer: Trainer) -> Failure? {
        do throws(Failure) {
            _ = try trainer.run { _ in }
            return nil
        } catch { return error }
    }

    /// Every kind of weight: none may swallow what is not a number.
    @Test(
        arguments: [
            "embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight",
            "embeddings.token_type_embeddings.weight", "embeddings.LayerNorm.weight",
            "encoder.layer.0.attention.self.query.weight",
            "encoder.layer.0.attention.self.key.bias",
            "encoder.layer.1.attention.self.query.bias",
            "encoder.layer.1.attention.self.value.weight",
            "encoder.layer.1.attention.output.dense.weight",
            "encoder.layer.0.attention.output.LayerNorm.bias",
            "encoder.layer.0.intermediate.dense.weight", "encoder.layer.1.output.dense.bias",
            "encoder.layer.1.output.LayerNorm.weight", "pooler.dense.weight", "classifier.bias",
        ],
        [BertConfiguration.Activation.gelu, .geluTanh(name: "gelu_new"), .relu]
    )
    func `a weight that is not a number stops training before it changes anything`(
        _ name: String,
        _ activation: BertConfiguration.Activation
    ) throws {
        let data = try SmallTask.data(16)
        var configuration = SmallTask.configuration()
        configuration.activation = activation
        let model = BertModel(configuration, seed: 2)
        let slot = try #require(model.layout.entries.first { $0.name == name }).slot
        // Of the tables, the first row; all words, since not all occur.
        let isWord = name == "embeddings.word_embeddings.weight"
        for element in 0..<(isWord ? slot.shape.count : 1) {
            model.weights.pointer(slot)[element] = .nan
        }
        let before = SmallTask.bits(model)
        let trainer = Trainer(
            model,
            data: data,
            objective: CrossEntropyLoss(targets: data.targets, classCount: SmallTask.classCount),
            configuration: SmallTask.trainingConfiguration(epochs: 1, batchSize: 4),
            pool: WorkerPool(workerCount: 2),
            score: nil
        )
        let failure = try #require(self.failure(trainer))
        #expect(failure.kind == .diverged)
        #expect(failure.reason.contains("before step 1 of 4 because the loss is not a number"))
        #expect(SmallTask.bits(model) == before)
    }

    @Test(arguments: [false, true], [1, 2])
    func `a later loss or gradient leaves the weights of the step before`(
        _ spoilsGradient: Bool,
        _ accumulation: Int
    ) throws {
        let data = try SmallTask.data(40)
        let model = SmallTask.model()
        var weights: [[UInt32]] = []
        let trainer = Trainer(
            model,
            data: data,
            objective: Spoiled(data, at: 4 * accumulation, gradient: spoilsGradient),
            configuration: SmallTask.trainingConfiguration(
                batchSize: 4,
                accumulation: accumulation,
                evaluateEvery: 3
            ),
            pool: WorkerPool(workerCount: 2),
            score: {
                weights.append(SmallTask.bits(model))
                return DevelopmentScore(metric: "accuracy", value: 1, loss: 1)
            }
        )
        let failure = try #require(self.failure(trainer))
        #expect(failure.kind == .diverged)
        #expect(failure.reason.contains("before step 4 of \(2 * 10 / accumulation)"))
        if spoilsGradient {
            #expect(failure.reason.contains("because the gradient of "))
            #expect(failure.reason.contains(" is not finite, in a batch of examples "))
        } else {
            #expect(
                failure.reason.contains(
                    "because the loss is infinite, in a batch of examples "
                )
            )
        }
        #expect(weights.count == 1 && SmallTask.bits(model) == weights[0])
    }
}
