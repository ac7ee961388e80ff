/// The learning rate over a run: a linear warm-up from zero, then a linear decay to zero or no decay.
///
/// - Source: `get_linear_schedule_with_warmup` of the transformers library: the first step's rate is
///   zero where there is a warm-up, and the rate would reach zero one step after the last.
public struct LearningRateSchedule: Sendable, Hashable {
    /// What follows the warm-up.
    public enum Shape: String, Sendable, Hashable, CaseIterable { case linear, constant }

    public let shape: Shape
    public let peak: Double
    public let warmupSteps: Int
    public let totalSteps: Int

    /// - Parameter warmupProportion: the share of all steps, in [0, 1], rounded down to whole steps.
    public init(
        peak: Double,
        warmupProportion: Double,
        totalSteps: Int,
        shape: Shape = .linear
    ) {
        precondition(warmupProportion >= 0 && warmupProportion <= 1 && totalSteps >= 0)
        self.init(
            peak: peak,
            warmupSteps: Int(warmupProportion * Double(totalSteps)),
            totalSteps: totalSteps,
            shape: shape
        )
    }

    public init(peak: Double, warmupSteps: Int, totalSteps: Int, shape: Shape = .linear) {
        self.shape = shape
        (self.peak, self.warmupSteps, self.totalSteps) = (peak, warmupSteps, totalSteps)
    }

    /// The rate of step `step`, counted from 0.
    public func callAsFunction(_ step: Int) -> Double {
        if step < warmupSteps { return peak * (Double(step) / Double(warmupSteps)) }
        if shape == .constant { return peak }
        let rest = Double(totalSteps - step) / Double(max(1, totalSteps - warmupSteps))
        return peak * max(0, rest)
    }
}
