import Testing
import Training

@Suite struct ScheduleTests {
    @Test func `the rate rises from zero to the peak and falls towards zero`() {
        let schedule = LearningRateSchedule(peak: 8, warmupSteps: 4, totalSteps: 12)
        #expect((0...13).map { schedule($0) } == [0, 2, 4, 6, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0])
    }

    @Test func `without a warm-up the first step has the peak`() {
        let schedule = LearningRateSchedule(peak: 3, warmupSteps: 0, totalSteps: 3)
        #expect((0..<3).map { schedule($0) } == [3, 2, 1])
    }

    @Test func `the share of warm-up steps is rounded down`() {
        func steps(_ share: Double, _ total: Int) -> Int {
            LearningRateSchedule(peak: 1, warmupProportion: share, totalSteps: total).warmupSteps
        }
        #expect(steps(0.1, 99) == 9)
        #expect(steps(0, 50) == 0)
        #expect(steps(1, 50) == 50)
        #expect(steps(0.1, 0) == 0)
    }

    @Test func `a warm-up as long as the run never falls`() {
        let schedule = LearningRateSchedule(peak: 5, warmupSteps: 5, totalSteps: 5)
        #expect((0..<5).map { schedule($0) } == [0, 1, 2, 3, 4])
    }
}
