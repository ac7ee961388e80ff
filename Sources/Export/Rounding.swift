import Diagnostics
import Foundation
import Tensors

/// Single-precision values in fewer bits, and what that costs.
enum Rounding {
    /// The values of a block of Q8_0 and its bytes: a binary16 scale, and a signed byte a value.
    static let blockLength = 32
    static let blockByteCount = 34
    /// 1.5 · 2²³: added to a number below 2²² it leaves the number rounded to nearest even, whose two's
    /// complement are the last bits then. No conversion is faster, or as easily vectorised.
    private static let magic: Float = 12_582_912
    /// Rows that are smaller throughout are written as zeros: their scale would have no inverse.
    private static let leastMagnitude: Float = 1e-30

    /// Rounds rows of a matrix to signed bytes, symmetrically, each row with the scale that makes its
    /// largest magnitude 127, to nearest, ties to even.
    ///
    /// - Parameters:
    ///   - values: `[rows, columns]`.
    ///   - bytes: receives `[columns, rows]`.
    ///   - scales: receives `[rows]`.
    /// - Returns: the largest |scale · byte − value|; NaN where a value is not finite.
    static func symmetricBytes(
        _ values: UnsafePointer<Float>,
        rows: Int,
        columns: Int,
        into bytes: UnsafeMutablePointer<Int8>,
        scales: UnsafeMutablePointer<Float>
    ) -> Float {
        var largest: Float = 0
        let height = 64
        let tile = UnsafeMutablePointer<Int8>.allocate(capacity: height * columns)
        defer { tile.deallocate() }
        for first in stride(from: 0, to: rows, by: height) {
            let count = min(height, rows - first)
            for row in 0..<count {
                let source = values + (first + row) * columns
                let target = tile + row * columns
                let most = maximumMagnitude(source, columns)
                guard most.isFinite else { return .nan }
                let scale = most > leastMagnitude ? most / 127 : 1
                let inverse = 1 / scale
                scales[first + row] = scale
                var worst: Float = 0
                for column in 0..<columns {
                    let shifted = source[column] * inverse + magic
                    target[column] = Int8(truncatingIfNeeded: shifted.bitPattern)
                    let difference = abs((shifted - magic) * scale - source[column])
                    worst = difference > worst ? difference : worst
                }
                largest = max(largest, worst)
            }
            for column in 0..<columns {
                let target = bytes + column * rows + first
                for row in 0..<count { target[row] = tile[row * columns + column] }
            }
        }
        return largest
    }

    /// Rounds values to GGML's Q8_0: of 32 in a row the largest magnitude becomes 127, to nearest, ties away
    /// from zero, as ggml and the `gguf` package do it.
    ///
    /// - Precondition: `count` is a multiple of 32.
    /// - Returns: the largest difference of a value that is read back; NaN where a value is not finite, or a
    ///   scale is beyond binary16.
    static func blocks(
        _ values: UnsafePointer<Float>,
        count: Int,
        into bytes: UnsafeMutableRawPointer
    ) -> Float {
        precondition(count.isMultiple(of: blockLength), "\(count) values are no blocks")
        let blockCount = count / blockLength
        let scales = UnsafeMutablePointer<Float>.allocate(capacity: blockCount)
        let halves = UnsafeMutablePointer<UInt16>.allocate(capacity: blockCount)
        let stored = UnsafeMutablePointer<Float>.allocate(capacity: blockCount)
        defer {
            scales.deallocate()
            halves.deallocate()
            stored.deallocate()
        }
        for block in 0..<blockCount {
            let most = maximumMagnitude(values + block * blockLength, blockLength)
            guard most.isFinite else { return .nan }
            scales[block] = most / 127
        }
        let raw = UnsafeMutableRawBufferPointer(start: halves, count: 2 * blockCount)
        let narrowing = ElementType.float16.encode(
            UnsafeBufferPointer(start: scales, count: blockCount),
            into: raw
        )
        guard narrowing.overflowCount == 0 else { return .nan }
        ElementType.float16.decode(
            UnsafeRawBufferPointer(raw),
            into: UnsafeMutableBufferPointer(start: stored, count: blockCount)
        )
        var largest: Float = 0
        for block in 0..<blockCount {
            let source = values + block * blockLength
            let target = bytes + block * blockByteCount
            target.storeBytes(of: halves[block].littleEndian, as: UInt16.self)
            let inverse = scales[block] > leastMagnitude ? 1 / scales[block] : 0
            let scale = stored[block]
            let whole = (target + 2).assumingMemoryBound(to: Int8.self)
            for index in 0..<blockLength {
                let scaled = source[index] * inverse
                let magnitude = abs(scaled)
                let even = (magnitude + magic) - magic
                // The difference is exact: a half that went down to an even number goes up.
                let rounded = magnitude - even >= 0.5 ? even + 1 : even
                let signed = scaled < 0 ? -rounded : rounded
                whole[index] = Int8(truncatingIfNeeded: (signed + magic).bitPattern)
                let difference = abs(signed * scale - source[index])
                largest = difference > largest ? difference : largest
            }
        }
        return largest
    }

    /// The values of blocks of Q8_0.
    static func values(ofBlocks bytes: [UInt8]) -> [Float] {
        let blockCount = bytes.count / blockByteCount
        var scale: Float = 0
        return bytes.withUnsafeBytes { bytes in
            (0..<blockCount).flatMap { block in
                let start = block * blockByteCount
                withUnsafeMutablePointer(to: &scale) { scale in
                    ElementType.float16.decode(
                        UnsafeRawBufferPointer(rebasing: bytes[start..<start + 2]),
                        into: UnsafeMutableBufferPointer(start: scale, count: 1)
                    )
                }
                return bytes[start + 2..<start + blockByteCount].map {
                    scale * Float(Int8(bitPattern: $0))
                }
            }
        }
    }

    /// The largest |a − b|.
    static func largestDifference(
        _ one: UnsafePointer<Float>,
        _ other: UnsafePointer<Float>,
        _ count: Int
    ) -> Float {
        var largest: Float = 0
        for index in 0..<count {
            let difference = abs(one[index] - other[index])
            largest = difference > largest ? difference : largest
        }
        return largest
    }

    /// The largest magnitude; infinite or NaN where a value is.
    static func maximumMagnitude(_ values: UnsafePointer<Float>, _ count: Int) -> Float {
        // As integers, magnitudes have the order of their bits, NaN the last.
        var most: UInt32 = 0
        for index in 0..<count {
            let bits = values[index].bitPattern & 0x7FFF_FFFF
            most = bits > most ? bits : most
        }
        return Float(bitPattern: most)
    }
}
