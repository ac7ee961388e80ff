import Foundation

extension ComparisonReport {
    /// What a student loses, as a sentence without its end: `student loses 1.1 points of accuracy, 95 %
    /// interval 0.2 to 2.1 (McNemar p = 0.02)`. Nil without a teacher or targets.
    public func verdict(on student: Model) -> String? {
        guard let loss = student.loss else { return nil }
        // Points are hundredths.
        func points(_ value: Double) -> String {
            fixed(abs(value) < 0.0005 ? 0 : value * 100, 1)
        }
        let isGain = loss.value < 0
        var text =
            abs(loss.value) < 0.0005
            ? "\(student.name) keeps the teacher's \(keptMeasure)"
            : "\(student.name) \(isGain ? "gains" : "loses") \(points(abs(loss.value))) points of "
                + keptMeasure
        if let interval = loss.interval {
            let (low, high) =
                isGain ? (-interval.high, -interval.low) : (interval.low, interval.high)
            text += ", 95 % interval \(points(low)) to \(points(high))"
            if interval.low <= 0, interval.high >= 0, abs(loss.value) >= 0.0005 {
                text += ": it may be chance"
            }
        }
        if let test = loss.mcNemar { text += " (McNemar p \(probability(test.pValue)))" }
        return text
    }

    /// All students' verdicts, a line each; empty where there is nothing to say.
    public var verdicts: [String] { students.compactMap { verdict(on: $0).map { $0 + "." } } }

    private func probability(_ value: Double) -> String {
        value < 0.0001 ? "< 0.0001" : "= " + fixed(value, value < 0.01 ? 4 : 2)
    }

    /// The whole comparison in one line: the student that keeps most, and what it costs.
    public var headline: String {
        let best = students.max { a, b in
            (a.qualityKept ?? -.infinity, -a.bytesOnDisk) < (
                b.qualityKept ?? -.infinity, -b.bytesOnDisk
            )
        }
        guard let best, teacher != nil else {
            let count = models.count
            return "\(count) model\(count == 1 ? "" : "s") on \(grouped(exampleCount)) "
                + (sentenceCount == nil ? "examples" : "words")
        }
        var parts: [String] = []
        if let kept = best.qualityKept {
            parts.append("keeps \(fixed(kept, 1)) % of the teacher's \(keptMeasure)")
        } else if let agreement = best.agreement {
            parts.append("agrees with the teacher on \(fixed(agreement * 100, 1)) %")
        }
        if let ratio = best.sizeCompression {
            parts.append(
                ratio >= 1
                    ? "is \(fixed(ratio, 1)) times smaller"
                    : "is \(fixed(1 / ratio, 1)) times larger"
            )
        }
        if let speed = best.speedUp {
            parts.append(
                speed >= 1
                    ? "answers \(fixed(speed, 1)) times as fast"
                    : "answers at \(fixed(speed, 1)) of the speed"
            )
        }
        guard let last = parts.popLast() else { return best.name }
        return "\(best.name) "
            + (parts.isEmpty ? last : parts.joined(separator: ", ") + " and " + last)
    }
}
