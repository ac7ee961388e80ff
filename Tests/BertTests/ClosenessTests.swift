import TestSupport
import Testing

@Suite struct ClosenessTests {
    @Test func `The worst element, its place and the count beyond are named`() throws {
        let found = try #require(
            mismatch(actual: [1, 2.5, 3, 4.2] as [Float], expected: [1, 2, 3, 4], absolute: 0.1)
        )
        #expect(found.worstIndex == 1)
        #expect(found.actual == 2.5)
        #expect(found.expected == 2)
        #expect(found.countBeyond == 2)
        #expect(found.count == 4)
    }

    @Test func `Absolute and relative allowances add up, and the bound itself is within`() {
        #expect(mismatch(actual: [10.75], expected: [10.0], absolute: 0.25, relative: 0.05) == nil)
        #expect(mismatch(actual: [10.76], expected: [10.0], absolute: 0.25, relative: 0.05) != nil)
        #expect(mismatch(actual: [1.0], expected: [1.0], absolute: 0) == nil)
    }

    @Test func `NaN and an unexpected infinity are never close`() {
        let nan = mismatch(actual: [0, Double.nan, 5.0], expected: [0, 0, 0], absolute: 1)
        #expect(nan?.worstIndex == 1)
        #expect(nan?.countBeyond == 2)
        let infinite = [Double.infinity]
        #expect(mismatch(actual: infinite, expected: [0.0], absolute: .infinity) != nil)
        #expect(mismatch(actual: infinite, expected: infinite, absolute: 0) == nil)
    }

    @Test func `A mismatch and a wrong count are recorded as issues`() {
        withKnownIssue {
            expectClose(actual: [1.0], expected: [2.0], absolute: 0.5, reason: "control")
        }
        withKnownIssue {
            expectClose(actual: [1.0, 2.0], expected: [1.0], absolute: 0.5, reason: "control")
        }
    }

    @Test func `The relative distance is that of the whole vector`() {
        #expect(relativeL2([3, 4] as [Float], [0, 4]) == 0.75)
        #expect(relativeL2([0.0, 0.0], [0.0, 0.0]) == 0)
        #expect(relativeL2([1e-9], [0.0]) == .infinity)
        #expect(relativeL2([1e-9], [0.0], floor: 1) == 1e-9)
        #expect(relativeL2([Double.nan], [1.0]).isNaN)
    }
}
