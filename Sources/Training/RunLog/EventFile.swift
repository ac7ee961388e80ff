import Checkpoints

/// A TensorBoard event file: TFRecords, each an `Event` of scalars in Protocol Buffers' encoding.
///
/// Tags are those of Hugging Face's trainer (`train/loss`, `train/learning_rate`, `train/grad_norm`,
/// `eval/accuracy`), with `train/loss/NAME` for each of several terms.
///
/// - Source: TensorFlow, `tensorflow/core/util/event.proto`, `framework/summary.proto` and
///   `lib/io/record_writer.cc`; TensorBoard reads every file with `tfevents` in its name.
public enum EventFile {
    /// - Parameter start: seconds since 1970.
    public static func name(start: Double) -> String {
        "events.out.tfevents.\(Int(start)).bertkit"
    }

    /// A whole file.
    public static func bytes(of entries: [RunLog.Entry]) -> [UInt8] {
        guard let first = entries.first else { return [] }
        return heading(wallTime: first.wallTime) + entries.flatMap { record($0) }
    }

    /// The record that a file begins with.
    static func heading(wallTime: Double) -> [UInt8] {
        var event = Message()
        event.append(1, double: wallTime)
        event.append(3, bytes: Array("brain.Event:2".utf8))
        return framed(event.bytes)
    }

    /// The record of an entry.
    static func record(_ entry: RunLog.Entry) -> [UInt8] {
        var summary = Message()
        for (tag, number) in scalars(entry) {
            var value = Message()
            value.append(1, bytes: Array(tag.utf8))
            value.append(2, float: Float(number))
            summary.append(1, bytes: value.bytes)
        }
        var event = Message()
        event.append(1, double: entry.wallTime)
        event.append(2, integer: UInt64(entry.step))
        event.append(5, bytes: summary.bytes)
        return framed(event.bytes)
    }

    private static func scalars(_ entry: RunLog.Entry) -> [(tag: String, value: Double)] {
        switch entry.report {
        case .training(let loss, let terms, let learningRate, let gradientNorm):
            var scalars: [(tag: String, value: Double)] = [("train/loss", loss)]
            if terms.count > 1 { scalars += terms.map { ("train/loss/\($0.name)", $0.value) } }
            scalars += [
                ("train/learning_rate", learningRate), ("train/grad_norm", gradientNorm),
                ("train/epoch", Double(entry.epoch)),
            ]
            if let speed = entry.examplesPerSecond {
                scalars.append(("train/samples_per_second", speed))
            }
            return scalars
        case .evaluation(let score, _):
            return [("eval/\(score.metric)", score.value), ("eval/loss", score.loss)]
        }
    }

    /// A TFRecord: length, its masked check, the bytes, theirs.
    private static func framed(_ bytes: [UInt8]) -> [UInt8] {
        func check(_ bytes: [UInt8]) -> [UInt8] {
            littleEndian(
                CyclicRedundancyCheck.masked(CyclicRedundancyCheck.castagnoli.check(bytes))
            )
        }
        let length = littleEndian(UInt64(bytes.count))
        return length + check(length) + bytes + check(bytes)
    }

    private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    /// A Protocol Buffers message that is being written.
    private struct Message {
        private(set) var bytes: [UInt8] = []

        mutating func append(_ field: UInt64, integer: UInt64) {
            append(variable: field << 3)
            append(variable: integer)
        }

        mutating func append(_ field: UInt64, double: Double) {
            append(variable: field << 3 | 1)
            bytes += littleEndian(double.bitPattern)
        }

        mutating func append(_ field: UInt64, bytes content: [UInt8]) {
            append(variable: field << 3 | 2)
            append(variable: UInt64(content.count))
            bytes += content
        }

        mutating func append(_ field: UInt64, float: Float) {
            append(variable: field << 3 | 5)
            bytes += littleEndian(float.bitPattern)
        }

        private mutating func append(variable value: UInt64) {
            var value = value
            while value > 0x7F {
                bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
                value >>= 7
            }
            bytes.append(UInt8(value))
        }
    }
}
