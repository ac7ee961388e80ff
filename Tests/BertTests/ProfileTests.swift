import Bert
import Kernels
import Testing
import Tokenization

@Suite struct ProfileTests {
    private static let hidden = RandomModel.configuration.hiddenSize
    private static let inner = RandomModel.configuration.intermediateSize
    private static let layers = RandomModel.configuration.hiddenLayerCount
    private static let classes = RandomModel.configuration.labels.count

    /// What a forward pass multiplies when the last layer takes first tokens alone.
    private struct Forward {
        var queryKeyValue = 0
        var attention = 0
        var attentionOutput = 0
        var feedForward = 0

        init(_ batch: PackedBatch) {
            let (tokens, sequences) = (batch.tokenCount, batch.sequenceCount)
            let squares = (0..<sequences).reduce(0) {
                $0 + batch.length(of: $1) * batch.length(of: $1)
            }
            for layer in 0..<layers {
                let isLast = layer == layers - 1
                let queries = isLast ? sequences : tokens
                queryKeyValue += 2 * (queries + 2 * tokens) * hidden * hidden
                attention += 4 * (isLast ? tokens : squares) * hidden
                attentionOutput += 2 * queries * hidden * hidden
                feedForward += 2 * queries * hidden * inner
            }
        }
    }

    @Test(arguments: [1, 2, 3])
    func `a forward pass has the operations of the formula, and its time is all charged`(
        _ workers: Int
    ) {
        let batch = RandomModel.batch(40, seed: 1)
        let pool = WorkerPool(workerCount: workers)
        let inference = BertInference(RandomModel.model(), pool: pool)
        let expected = inference.logits(batch)
        let profile = Profile(workerCount: workers)
        for _ in 0..<3 {
            let logits = pool.record(into: profile) { inference.logits(batch) }
            #expect(logits.map(\.bitPattern) == expected.map(\.bitPattern))
        }
        #expect(profile.passes == 3)
        let forward = Forward(batch)
        #expect(profile[.queryKeyValue].operations == 3 * forward.queryKeyValue)
        #expect(profile[.attention].operations == 3 * forward.attention)
        #expect(profile[.attentionOutput].operations == 3 * forward.attentionOutput)
        #expect(profile[.intermediate].operations == 3 * forward.feedForward)
        #expect(profile[.output].operations == 3 * forward.feedForward)
        let sequences = batch.sequenceCount
        #expect(profile[.pooler].operations == 6 * sequences * Self.hidden * Self.hidden)
        #expect(profile[.classifier].operations == 6 * sequences * Self.hidden * Self.classes)
        expectWhole(profile)
        // Nobody records any more.
        let calls = profile[.output].calls
        _ = inference.logits(batch)
        #expect(profile[.output].calls == calls)
        #expect(pool.recorder(0) == nil)
    }

    @Test(arguments: [1, 2])
    func `a training step's gradients cost what the products cost, and keep their bits`(
        _ workers: Int
    ) {
        let batch = RandomModel.batch(40, seed: 1)
        let pool = WorkerPool(workerCount: workers)
        let model = RandomModel.model()
        let pass = TrainingPass(model, pool: pool)
        let gradients = Gradients(model.layout)
        func step() -> [UInt32] {
            let logits = pass.forward(batch, dropoutSeed: 9, step: 4)
            pass.backward(RandomModel.cotangent(batch), into: gradients)
            return logits.map(\.bitPattern) + gradients.all(model.layout).map(\.bitPattern)
        }
        let expected = step()
        let profile = Profile(workerCount: workers)
        #expect(pool.record(into: profile, step) == expected)
        expectWhole(profile)
        let forward = Forward(batch)
        let products: [(ProfiledOperation, ProfiledOperation, ProfiledOperation)] = [
            (.queryKeyValue, .queryKeyValueInput, .queryKeyValueWeight),
            (.attentionOutput, .attentionOutputInput, .attentionOutputWeight),
            (.intermediate, .intermediateInput, .intermediateWeight),
            (.output, .outputInput, .outputWeight),
            (.pooler, .poolerInput, .poolerWeight),
            (.classifier, .classifierInput, .classifierWeight),
        ]
        for (product, input, weight) in products {
            #expect(profile[product].operations > 0, "\(product)")
            #expect(profile[input].operations == profile[product].operations, "\(input)")
            #expect(profile[weight].operations == profile[product].operations, "\(weight)")
        }
        #expect(profile[.queryKeyValue].operations == forward.queryKeyValue)
        // The backward pass computes the scores again: five products for two.
        #expect(2 * profile[.attentionBackward].operations == 5 * forward.attention)
        let tokens = batch.tokenCount
        #expect(profile[.embeddingSum].bytes == tokens * (4 * Self.hidden * 4 + 12))
    }

    /// Every worker's time is charged to operations, waiting among them.
    private func expectWhole(_ profile: Profile) {
        let totals = ProfiledOperation.allCases.map { profile[$0] }
        for worker in 0..<profile.workerCount {
            let sum = totals.reduce(0) { $0 + $1.seconds[worker] }
            #expect((0.6...1.1).contains(sum / profile.seconds), "worker \(worker): \(sum)")
        }
        for (operation, total) in zip(ProfiledOperation.allCases, totals) {
            #expect(total.operations == 0 || operation.limit == .arithmetic, "\(operation)")
            #expect(total.bytes == 0 || operation.limit != nil || operation == .loss)
        }
    }
}
