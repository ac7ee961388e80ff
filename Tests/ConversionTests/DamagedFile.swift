import Bert
import Checkpoints
import Conversion
import Diagnostics
import Foundation
import Tensors
import TestSupport

extension [UInt8] {
    /// The same with one to four changes of the kinds that hurt readers: a bit, a byte, a field of
    /// eight bytes at an extreme, a stretch exchanged with another, the end cut off.
    func damaged(_ generator: inout SeededGenerator, within range: Range<Int>? = nil) -> [UInt8] {
        var bytes = self
        for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
            let limit = range?.clamped(to: 0..<bytes.count) ?? 0..<bytes.count
            guard !limit.isEmpty else { break }
            let place = Int.random(in: limit, using: &generator)
            switch Int.random(in: 0..<12, using: &generator) {
            case 0..<4: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 4..<6: bytes[place] = UInt8.random(in: 0...255, using: &generator)
            case 6..<8:
                bytes[place] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &generator) ?? 0
            case 8..<10:
                let extremes = [0, 1, UInt64.max, UInt64(Int.max), 1 << 32, 1 << 40]
                let value = extremes.randomElement(using: &generator) ?? 0
                for index in 0..<Swift.min(8, bytes.count - place) {
                    bytes[place + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
                }
            case 10:
                let other = Int.random(in: limit, using: &generator)
                for index in 0..<Swift.min(16, bytes.count - Swift.max(place, other)) {
                    bytes.swapAt(place + index, other + index)
                }
            default:
                // Seldom, because not much can go wrong in what is cut short.
                if Bool.random(using: &generator) { bytes.removeSubrange(place...) }
            }
        }
        return bytes
    }
}

/// Does everything with a checkpoint that does not write: opens it, inspects it, reads all tensors,
/// loads it, plans its conversion.
func exercise(_ url: URL) throws(Failure) {
    let checkpoint = try Checkpoint.open(url)
    _ = try CheckpointSummary(checkpoint).lines
    for tensor in checkpoint.tensors { _ = try checkpoint.tensor(named: tensor.name) }
    for entry in checkpoint.store.entries where entry.elementType.isFloat {
        _ = try checkpoint.store.tensor(entry)
    }
    try ignoringFailure { () throws(Failure) in _ = try checkpoint.loadModel() }
    for format in ExportFormat.allCases {
        var options = ConversionOptions(format: format)
        options.allowsApproximation = true
        try ignoringFailure { () throws(Failure) in
            _ = try ConversionPlan(checkpoint, options).text
        }
    }
    if checkpoint.configuration == nil, let problem = checkpoint.configurationProblem {
        throw problem
    }
}

private func ignoringFailure(_ body: () throws(Failure) -> Void) throws(Failure) {
    do throws(Failure) { try body() } catch { return }
}
