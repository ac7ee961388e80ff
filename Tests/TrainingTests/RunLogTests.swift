import Datasets
import Diagnostics
import Foundation
import Kernels
import Testing
import Training

@Suite struct RunLogTests {
    /// Two stages of a small task, the second with a measurement after each epoch.
    ///
    /// - Parameter isFinite: whether what is measured is a number.
    private func log(follower: LiveLog? = nil, isFinite: Bool = true) throws -> RunLog {
        let data = try SmallTask.data(40)
        var log = RunLog(follower: follower)
        for stage in ["first", "second"] {
            log.begin(stage: stage)
            var looks = 0.0
            let score = {
                looks += 1
                return DevelopmentScore(
                    metric: "accuracy",
                    value: isFinite ? looks / 10 : .nan,
                    loss: 1 / looks
                )
            }
            let trainer = Trainer(
                SmallTask.model(),
                data: data,
                objective: CrossEntropyLoss(
                    targets: data.targets,
                    classCount: SmallTask.classCount
                ),
                configuration: SmallTask.trainingConfiguration(epochs: 2),
                pool: WorkerPool(workerCount: 1),
                score: stage == "second" ? score : nil
            )
            _ = try trainer.run { (event) throws(Failure) in try log.append(event) }
            log.end(seconds: 2)
        }
        return log
    }

    @Test func `steps are counted over all stages`() throws {
        let log = try log()
        // Five steps an epoch: the first, the tenth, which is the last, and the measurements.
        #expect(log.entries.map(\.step) == [1, 10, 11, 15, 20, 20])
        #expect(log.entries.map(\.epoch) == [1, 2, 3, 3, 4, 4])
        #expect(
            log.entries.map(\.stage) == ["first", "first"] + [String](repeating: "second", count: 4)
        )
        #expect(log.totals.steps == 20 && log.totals.examples == 160 && log.totals.epochs == 4)
        #expect(log.totals.seconds == 4)
    }

    @Test func `the same run gives the same lines, and each is a JSON object`() throws {
        let log = try log()
        let again = try self.log()
        #expect(log.jsonLines == again.jsonLines && log.csv == again.csv)
        let lines = log.jsonLines.split(separator: "\n")
        #expect(lines.count == 6)
        let objects = try lines.map {
            try #require(
                try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
            )
        }
        #expect(objects[0]["loss"] is Double && objects[0]["learning_rate"] is Double)
        #expect((objects[0]["terms"] as? [String: Double])?.keys.sorted() == ["hard_labels"])
        #expect(objects[3]["dev_accuracy"] as? Double == 0.1)
        #expect(objects[3]["best"] as? Bool == true)
    }

    @Test func `the table has one heading, and every row its columns`() throws {
        let lines = try log().csv.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(
            lines[0]
                == "stage,step,epoch,loss,learning_rate,gradient_norm,dev_accuracy,dev_loss,best"
        )
        #expect(lines.last == "" && lines.count == 8)
        for line in lines.dropLast() {
            #expect(line.split(separator: ",", omittingEmptySubsequences: false).count == 9)
        }
        #expect(lines[4].hasSuffix(",15,3,,,,0.1,1.0,1") || lines[4] == "second,15,3,,,,0.1,1.0,1")
    }

    @Test func `a number that is not finite is none in JSON`() throws {
        let lines = try log(isFinite: false).jsonLines.split(separator: "\n")
        #expect(
            lines[3].hasSuffix(
                "\"epoch\": 3, \"dev_accuracy\": null, \"dev_loss\": 1.0, \"best\": true}"
            )
        )
    }

    @Test func `the event file is what TensorBoard reads`() throws {
        let log = try log()
        let file = try #require(log.files.first { $0.name.hasPrefix("events.out.tfevents.") })
        let events = try EventReader(file.bytes).events
        #expect(events.count == 7)
        #expect(events[0].version == "brain.Event:2" && events[0].step == 0)
        #expect(events.dropFirst().map(\.step) == log.entries.map(\.step))
        #expect(events.dropFirst().map(\.wallTime) == log.entries.map(\.wallTime))
        #expect(
            events[1].scalars.map(\.tag) == [
                "train/loss", "train/learning_rate", "train/grad_norm", "train/epoch",
            ]
        )
        #expect(events[2].scalars.map(\.tag).last == "train/samples_per_second")
        guard case .training(let loss, _, let rate, _) = log.entries[0].report else {
            Issue.record("no step")
            return
        }
        #expect(events[1].scalars[0].value == Float(loss))
        #expect(events[1].scalars[1].value == Float(rate))
        #expect(events[4].scalars.map(\.tag) == ["eval/accuracy", "eval/loss"])
        #expect(events[4].scalars[0].value == 0.1)
        #expect(Int(file.name.split(separator: ".")[3]) == Int(log.entries[0].wallTime))
    }

    @Test func `a folder shows the same while training goes on`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "\(UUID())")
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "deep").path
        let log = try log(follower: LiveLog(folder: path))
        #expect(
            try String(contentsOfFile: "\(path)/metrics.jsonl", encoding: .utf8) == log.jsonLines
        )
        let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
        #expect(names.count == 2)
        let bytes = try Data(contentsOf: URL(filePath: "\(path)/\(names[0])"))
        let events = try EventReader([UInt8](bytes)).events
        #expect(events.dropFirst().map(\.wallTime) == log.entries.map(\.wallTime))
        // Another run does not write over it.
        let refusal = #expect(throws: Failure.self) { try LiveLog(folder: path) }
        #expect(refusal?.kind == .cannotCreate)
    }
}

/// A reader of event files of its own: framing with its checks, and the fields that are written.
private struct EventReader {
    struct Event {
        var wallTime = 0.0
        var step = 0
        var version: String?
        var scalars: [(tag: String, value: Float)] = []
    }

    private(set) var events: [Event] = []

    init(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let head = Array(rest.prefix(8))
            let length = Int(Self.number(head))
            try #require(rest.count >= length + 16)
            #expect(Self.number(rest.dropFirst(8).prefix(4)) == Self.maskedCheck(head))
            let content = Array(rest.dropFirst(12).prefix(length))
            let check = rest.dropFirst(12 + length).prefix(4)
            #expect(Self.number(check) == Self.maskedCheck(content))
            events.append(try Self.event(content))
            rest = rest.dropFirst(length + 16)
        }
    }

    private static func event(_ bytes: [UInt8]) throws -> Event {
        var event = Event()
        for (field, value) in try fields(bytes) {
            switch field {
            case 1: event.wallTime = Double(bitPattern: number(value))
            case 2: event.step = Int(number(value))
            case 3: event.version = String(decoding: value, as: UTF8.self)
            case 5:
                for (field, value) in try fields(value) where field == 1 {
                    var scalar: (tag: String, value: Float) = ("", 0)
                    for (field, value) in try fields(value) {
                        if field == 1 { scalar.tag = String(decoding: value, as: UTF8.self) }
                        if field == 2 {
                            scalar.value = Float(bitPattern: UInt32(number(value)))
                        }
                    }
                    event.scalars.append(scalar)
                }
            default: Issue.record("field \(field)")
            }
        }
        return event
    }

    /// Fields of a message; the numbers' bytes as they would lie in memory.
    private static func fields(_ bytes: [UInt8]) throws -> [(Int, [UInt8])] {
        var fields: [(Int, [UInt8])] = []
        var rest = bytes[...]
        func variable() throws -> UInt64 {
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 64, by: 7) {
                guard let byte = rest.popFirst() else { throw Failure(.badData, "", "truncated") }
                value |= UInt64(byte & 0x7F) << shift
                if byte < 0x80 { break }
            }
            return value
        }
        while !rest.isEmpty {
            let key = try variable()
            let count: Int
            switch key & 7 {
            case 0:
                let value = try variable()
                fields.append(
                    (Int(key >> 3), withUnsafeBytes(of: value.littleEndian) { Array($0) })
                )
                continue
            case 1: count = 8
            case 2: count = Int(try variable())
            default: count = 4
            }
            fields.append((Int(key >> 3), Array(rest.prefix(count))))
            rest = rest.dropFirst(count)
        }
        return fields
    }

    private static func number(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// CRC-32C bit by bit, masked.
    private static func maskedCheck(_ bytes: [UInt8]) -> UInt64 {
        var check = UInt32.max
        for byte in bytes {
            check ^= UInt32(byte)
            for _ in 0..<8 { check = check & 1 == 0 ? check >> 1 : check >> 1 ^ 0x82F6_3B78 }
        }
        check = ~check
        return UInt64((check >> 15 | check << 17) &+ 0xA282_EAD8)
    }
}
