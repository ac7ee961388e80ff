import Datasets
import Testing

@Suite struct BatchSamplerTests {
    private let lengths = [3, 9, 1, 9, 4, 7, 2]

    private func sampler(_ order: BatchSampler.Order, batchSize: Int = 3) -> BatchSampler {
        BatchSampler(lengths: lengths, batchSize: batchSize, order: order)
    }

    private func batches(_ sampler: BatchSampler, _ epoch: Int) -> [[Int]] {
        sampler.epoch(epoch).map { Array($0) }
    }

    @Test func `file order keeps the last partial batch`() {
        let sampler = sampler(.file)
        #expect(batches(sampler, 0) == [[0, 1, 2], [3, 4, 5], [6]])
        #expect(batches(sampler, 4) == batches(sampler, 0))
        #expect(sampler.batchesPerEpoch == 3)
        #expect(self.sampler(.file, batchSize: 7).batchesPerEpoch == 1)
        #expect(self.sampler(.file, batchSize: 100).epoch(0).count == 1)
    }

    @Test func `length order puts the longest first and equals in file order`() {
        #expect(batches(sampler(.byLength), 0) == [[1, 3, 5], [4, 0, 6], [2]])
    }

    @Test func `a shuffled epoch holds every example once`() {
        let sampler = BatchSampler(
            lengths: [Int](repeating: 1, count: 1001),
            batchSize: 32,
            order: .shuffled(seed: 9)
        )
        for epoch in 0..<3 {
            let examples = sampler.epoch(epoch).flatMap { $0 }
            #expect(examples.sorted() == Array(0..<1001))
            #expect(examples == sampler.epoch(epoch).examples)
        }
        #expect(sampler.epoch(0).examples != sampler.epoch(1).examples)
        #expect(sampler.epoch(0).last?.count == 1001 % 32)
        let other = BatchSampler(
            lengths: [Int](repeating: 1, count: 1001),
            batchSize: 32,
            order: .shuffled(seed: 10)
        )
        #expect(other.epoch(0).examples != sampler.epoch(0).examples)
    }

    /// The same order as in the generator's own test, from a second implementation.
    @Test func `a small shuffle is pinned`() {
        let sampler = BatchSampler(
            lengths: [Int](repeating: 1, count: 12),
            batchSize: 5,
            order: .shuffled(seed: 42)
        )
        #expect(batches(sampler, 1) == [[3, 7, 2, 1, 10], [6, 4, 5, 8, 0], [9, 11]])
    }

    @Test func `grouped batches hold examples of like length, in no order of length`() {
        let count = 2 * 50 * 8 + 13
        let lengths = (0..<count).map { $0 * 7919 % 97 }
        let sampler = BatchSampler(lengths: lengths, batchSize: 8, order: .grouped(seed: 3))
        let batches = sampler.epoch(0).map { Array($0) }
        #expect(batches.flatMap(\.self).sorted() == Array(0..<count))
        #expect(batches.map(\.count) == [Int](repeating: 8, count: 101) + [5])
        // Lengths of a stretch are spread evenly over its 50 batches; a third stretch has two.
        let spreads = batches.map { lengths[$0[0]] - lengths[$0[$0.count - 1]] }
        #expect(spreads.count { $0 < 12 } >= 100)
        #expect(
            batches.allSatisfy { zip($0, $0.dropFirst()).allSatisfy { lengths[$0] >= lengths[$1] } }
        )
        let longest = batches.map { lengths[$0[0]] }
        #expect(longest != longest.sorted(by: >))
        #expect(sampler.epoch(0).examples == sampler.epoch(0).examples)
        #expect(sampler.epoch(0).examples != sampler.epoch(1).examples)
    }

    @Test func `a run's step is a place in an epoch`() {
        let sampler = sampler(.shuffled(seed: 1))
        for step in 0..<9 {
            let place = sampler.position(ofStep: step)
            #expect(place.epoch == step / 3 && place.step == step % 3)
            let resumed = self.sampler(.shuffled(seed: 1)).epoch(place.epoch)[place.step]
            #expect(Array(resumed) == batches(sampler, place.epoch)[place.step])
        }
    }
}
