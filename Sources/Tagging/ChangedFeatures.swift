/// The weights of a perceptron in training: a row for each feature that has ever changed.
struct ChangedFeatures: Sendable {
    private static let width = PartOfSpeech.count

    /// A key above, its row plus 1 below; 0 where there is none.
    private var slots = [UInt64](repeating: 0, count: 1 << 16)
    private var keys: [UInt32] = []
    private var changes: [Int32] = []
    /// [rows × tags]
    private var weights: [Int32] = []
    /// The sum over all changes of the step they came at, up positive: the mean of a weight over c steps is
    /// the weight less this sum over c (Daumé 2006, figure 2.3). [rows × tags]
    private var stepSums: [Int64] = []

    /// The tag of the highest sum of weights, the first of equals.
    func best(_ features: UnsafeBufferPointer<UInt32>) -> PartOfSpeech {
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: Self.width) { sums in
            sums.initialize(repeating: 0)
            weights.withUnsafeBufferPointer { weights in
                for feature in features {
                    guard let row = row(of: feature),
                        changes[row] >= PerceptronTraining.leastChanges
                    else { continue }
                    for tag in 0..<Self.width { sums[tag] &+= weights[row * Self.width + tag] }
                }
            }
            var best = 0
            for tag in 1..<Self.width where sums[tag] > sums[best] { best = tag }
            return PartOfSpeech(rawValue: UInt8(best)) ?? .other
        }
    }

    /// - Parameter step: counted from 1.
    mutating func change(
        _ features: UnsafeBufferPointer<UInt32>,
        up: PartOfSpeech,
        down: PartOfSpeech,
        step: Int
    ) {
        for feature in features {
            let row = row(of: feature) ?? append(feature)
            let (first, second) = (
                row * Self.width + Int(up.rawValue), row * Self.width + Int(down.rawValue)
            )
            weights[first] += 1
            weights[second] -= 1
            // Before its step a change counts for nothing: the steps before are those to take off.
            stepSums[first] += Int64(step - 1)
            stepSums[second] -= Int64(step - 1)
            changes[row] += 1
        }
    }

    private func row(of key: UInt32) -> Int? {
        var slot = Int(key) & (slots.count - 1)
        while slots[slot] != 0 {
            if UInt32(slots[slot] >> 32) == key { return Int(slots[slot] & 0xFFFF_FFFF) - 1 }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    private mutating func append(_ key: UInt32) -> Int {
        let row = keys.count
        keys.append(key)
        changes.append(0)
        weights.append(contentsOf: repeatElement(0, count: Self.width))
        stepSums.append(contentsOf: repeatElement(0, count: Self.width))
        if 2 * keys.count > slots.count {
            slots = [UInt64](repeating: 0, count: 2 * slots.count)
            for row in keys.indices { place(row) }
        } else {
            place(row)
        }
        return row
    }

    private mutating func place(_ row: Int) {
        var slot = Int(keys[row]) & (slots.count - 1)
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = UInt64(keys[row]) << 32 | UInt64(row + 1)
    }

    /// The mean weights over the steps so far, in steps of a 127th of the largest; features whose weights
    /// are all nothing are left out.
    func quantized(step: Int) -> [PerceptronTagger.Feature] {
        let counted = keys.indices.filter { changes[$0] >= PerceptronTraining.leastChanges }
        func mean(_ index: Int) -> Double {
            Double(weights[index]) - Double(stepSums[index]) / Double(step)
        }
        var largest = 0.0
        for row in counted {
            for tag in 0..<Self.width {
                largest = max(largest, mean(row * Self.width + tag).magnitude)
            }
        }
        guard largest > 0 else { return [] }
        return counted.sorted { keys[$0] < keys[$1] }.compactMap { row in
            var weights = PerceptronTagger.Sums.zero
            for tag in 0..<Self.width {
                let mean = mean(row * Self.width + tag)
                weights[tag] = Int16((mean * 127 / largest).rounded())
            }
            return weights == .zero
                ? nil : PerceptronTagger.Feature(key: keys[row], weights: weights)
        }
    }
}
