import Randomness
import Testing

@Suite struct PhiloxTests {
    /// The known answers published with the generator (Random123, `philox4x32` with 10 rounds).
    @Test func `the block function gives the published answers`() {
        let all: UInt32 = 0xFFFF_FFFF
        let cases: [(counter: [UInt32], key: [UInt32], answer: [UInt32])] = [
            (
                [0, 0, 0, 0], [0, 0],
                [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8]
            ),
            (
                [all, all, all, all], [all, all],
                [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD]
            ),
            (
                [0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344], [0xA409_3822, 0x299F_31D0],
                [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1]
            ),
        ]
        for (counter, key, answer) in cases {
            let block = Philox.block(
                counter: (counter[0], counter[1], counter[2], counter[3]),
                key: (key[0], key[1])
            )
            #expect([block.0, block.1, block.2, block.3] == answer)
        }
    }

    @Test func `a stream is the blocks of its counter under the seed`() {
        var stream = Philox(seed: 0x0123_4567_89AB_CDEF, purpose: .dropout, index: 9)
        var words: [UInt32] = []
        for number: UInt32 in 0..<3 {
            let block = Philox.block(
                counter: (number, 0, 9, Philox.Purpose.dropout.rawValue),
                key: (0x89AB_CDEF, 0x0123_4567)
            )
            words += [block.0, block.1, block.2, block.3]
        }
        #expect((0..<12).map { _ in stream.nextWord() } == words)
    }

    @Test func `uniform numbers are below one and spread evenly`() {
        var stream = Philox(seed: 5, purpose: .sampling)
        var counts = [Int](repeating: 0, count: 10)
        for _ in 0..<100_000 {
            let value = stream.nextUniform()
            #expect(value >= 0 && value < 1)
            counts[Int(value * 10)] += 1
        }
        // Four standard deviations of a binomial with n = 100,000 and p = 0.1 are 380.
        #expect(counts.allSatisfy { abs($0 - 10_000) < 380 })
    }

    /// Numbers from a second implementation, written from the paper, in Python.
    @Test func `bounded draws and permutations are pinned`() {
        var draws = Philox(seed: 6, purpose: .shuffling)
        #expect(
            (0..<6).map { _ in draws.nextBelow(3 << 30) } == [
                631_702_928, 772_863_253, 2_374_129_870, 281_680_143, 1_739_225_314, 952_510_113,
            ]
        )
        var first = Philox(seed: 42, purpose: .shuffling, index: 0)
        #expect(first.permutation(of: 12) == [10, 9, 1, 6, 8, 7, 5, 11, 0, 4, 2, 3])
        var second = Philox(seed: 42, purpose: .shuffling, index: 1)
        #expect(second.permutation(of: 12) == [3, 7, 2, 1, 10, 6, 4, 5, 8, 0, 9, 11])
        var other = Philox(seed: 43, purpose: .shuffling, index: 0)
        #expect(other.permutation(of: 12) == [11, 3, 7, 0, 8, 1, 9, 4, 10, 5, 2, 6])
    }

    @Test func `bounded draws favour no number`() {
        var stream = Philox(seed: 11, purpose: .shuffling)
        var counts = [Int](repeating: 0, count: 3)
        // 3 · 2^30 is the worst bound for plain scaling: one third would come twice as often.
        for _ in 0..<30_000 { counts[Int(stream.nextBelow(3 << 30) >> 30)] += 1 }
        #expect(counts.allSatisfy { abs($0 - 10_000) < 330 })
        #expect(stream.nextBelow(1) == 0)
    }

    @Test func `each of the six orders of three comes equally often`() {
        var counts: [[Int]: Int] = [:]
        for index: UInt32 in 0..<12_000 {
            var stream = Philox(seed: 1, purpose: .shuffling, index: index)
            counts[stream.permutation(of: 3), default: 0] += 1
        }
        #expect(counts.count == 6)
        #expect(counts.values.allSatisfy { abs($0 - 2_000) < 165 })
        var stream = Philox(seed: 1, purpose: .shuffling)
        #expect(stream.permutation(of: 0) == [])
        #expect(stream.permutation(of: 1) == [0])
    }

    @Test func `a part of a stream begins where its number says`() {
        var whole = Philox(seed: 9, purpose: .augmentation, index: 4)
        var first = Philox(seed: 9, purpose: .augmentation, index: 4, part: 0)
        for _ in 0..<8 { #expect(whole.nextWord() == first.nextWord()) }
        var third = Philox(seed: 9, purpose: .augmentation, index: 4, part: 3)
        let block = Philox.block(
            counter: (0, 3, 4, Philox.Purpose.augmentation.rawValue),
            key: (9, 0)
        )
        #expect((0..<4).map { _ in third.nextWord() } == [block.0, block.1, block.2, block.3])
    }
}
