import Kernels
import Testing

@Suite struct DropoutTests {
    @Test(arguments: [0.1, 0.25, 0.5, 0.999] as [Float])
    func `masks are Philox's words, from any element on`(_ probability: Float) {
        let dropout = Dropout(probability: probability, seed: 0xDEAD_BEEF_0123_4567, step: 9, site: 21)
        let beyondOneWord = 1 << 34  // its block number needs the counter's second word
        for first in [0, 1, 2, 3, 4, 5, 62, 63, 64, 65, 1001, beyondOneWord - 30] {
            for count in [0, 1, 2, 3, 5, 61, 63, 64, 65, 130] {
                let values = GuardedFloats([Float](repeating: 1, count: count))
                dropout.apply(to: values.base, count: count, first: first)
                let expected = ReferenceDropout.factors(
                    dropout,
                    first: UInt64(first),
                    count: count
                )
                #expect(values.values == expected && values.isIntact, "\(first) \(count)")
            }
        }
    }

    @Test func `the mask does not depend on how it is cut`() {
        let dropout = Dropout(probability: 0.3, seed: 4, step: 5, site: 6)
        let x = normals(1000, seed: 1)
        let whole = GuardedFloats(x)
        dropout.apply(to: whole.base, count: 1000, first: 77)
        for length in [1, 3, 7, 64, 100, 999] {
            let parts = GuardedFloats(x)
            for start in stride(from: 0, to: 1000, by: length) {
                dropout.apply(
                    to: parts.base + start,
                    count: min(length, 1000 - start),
                    first: 77 + start
                )
            }
            #expect(parts.values == whole.values)
        }
    }

    @Test func `seed, step and site each name another mask`() {
        func mask(_ seed: UInt64, _ step: UInt32, _ site: UInt32) -> [Float] {
            let values = GuardedFloats([Float](repeating: 1, count: 256))
            Dropout(probability: 0.5, seed: seed, step: step, site: site)
                .apply(to: values.base, count: 256, first: 0)
            return values.values
        }
        let masks = [
            mask(1, 1, 1), mask(2, 1, 1), mask(1 << 32 | 1, 1, 1), mask(1, 2, 1), mask(1, 1, 2),
        ]
        #expect(Set(masks).count == masks.count)
        #expect(mask(1, 1, 1) == masks[0])
    }

    @Test func `the dropped share is the probability, and the sum is kept`() {
        let count = 1 << 18
        let values = GuardedFloats([Float](repeating: 1, count: count))
        Dropout(probability: 0.1, seed: 8, step: 0, site: 0).apply(to: values.base, count: count, first: 0)
        let dropped = values.values.filter { $0 == 0 }.count
        // Five standard deviations of the binomial distribution.
        #expect(abs(Double(dropped) - 0.1 * Double(count)) < 5 * (0.09 * Double(count)).squareRoot())
        let mean = doubles(values.values).reduce(0, +) / Double(count)
        #expect(abs(mean - 1) < 0.01)
    }

    @Test func `probability zero leaves even what is not a number alone`() {
        let x: [Float] = [1, -0.0, .infinity, 3]
        let values = GuardedFloats(x)
        Dropout.none.apply(to: values.base, count: 4, first: 0)
        #expect(values.values.map(\.bitPattern) == x.map(\.bitPattern))
    }
}
