import Kernels
import Testing

@Suite struct AdamWStepTests {
    @Test(arguments: [0] + oddSizes)
    func `steps are those of the definition`(_ count: Int) {
        let start = normals(count, seed: 1)
        var reference = ReferenceAdamW(
            weight: doubles(start),
            first: [Double](repeating: 0, count: count),
            second: [Double](repeating: 0, count: count),
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8
        )
        let weight = GuardedFloats(start)
        let first = GuardedFloats([Float](repeating: 0, count: count))
        let second = GuardedFloats([Float](repeating: 0, count: count))
        let scale = 0.25
        for number in 1...20 {
            let gradient = normals(count, seed: UInt64(number), deviation: number == 7 ? 100 : 1)
            AdamWStep(
                number: number,
                learningRate: 1e-2,
                beta1: 0.9,
                beta2: 0.999,
                epsilon: 1e-8,
                decay: 0.1,
                gradientScale: scale
            ).apply(
                weight: weight.base,
                first: first.base,
                second: second.base,
                gradient: gradient,
                count: count
            )
            reference.step(
                number,
                gradient: gradient.map { Double($0) * scale },
                learningRate: 1e-2,
                decay: 0.1
            )
        }
        #expect(worstError(weight.values, reference.weight) < 2e-6)
        #expect(worstError(first.values, reference.first) < 2e-6)
        #expect(worstError(second.values, reference.second) < 3e-5)
        #expect([weight, first, second].areIntact)
    }

    @Test(arguments: oddSizes)
    func `steps without a gradient in one go are bit for bit such steps one by one`(_ count: Int) {
        let steps = (5..<40).map {
            AdamWStep(
                number: $0,
                learningRate: 1e-2 / Double($0),
                beta1: 0.9,
                beta2: 0.999,
                epsilon: 1e-8,
                decay: 0.1,
                gradientScale: 1
            )
        }
        let start = (normals(count, seed: 1), normals(count, seed: 2), normals(count, seed: 3).map { $0 * $0 })
        func memory() -> [GuardedFloats] { [start.0, start.1, start.2].map { GuardedFloats($0) } }
        let (one, many) = (memory(), memory())
        let zeros = GuardedFloats([Float](repeating: 0, count: count))
        for step in steps {
            step.apply(
                weight: one[0].base,
                first: one[1].base,
                second: one[2].base,
                gradient: zeros.base,
                count: count
            )
        }
        AdamWStep.applyIdle(
            steps[...],
            weight: many[0].base,
            first: many[1].base,
            second: many[2].base,
            count: count
        )
        #expect(one.map(\.values) == many.map(\.values))
        #expect(many.areIntact)
        AdamWStep.applyIdle(
            steps[3..<3],
            weight: many[0].base,
            first: many[1].base,
            second: many[2].base,
            count: count
        )
        #expect(one.map(\.values) == many.map(\.values))
    }
}
