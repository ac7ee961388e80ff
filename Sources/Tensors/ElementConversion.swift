internal import CTensors

/// What storing 32-bit floats in a shorter type cost.
public struct Narrowing: Sendable, Hashable {
    /// Finite values that became infinite.
    public var overflowCount = 0
    /// Values other than 0 that became subnormal or 0.
    public var underflowCount = 0

    public init() {}

    public static func += (total: inout Narrowing, part: Narrowing) {
        total.overflowCount += part.overflowCount
        total.underflowCount += part.underflowCount
    }
}

extension ElementType {
    public var isFloat: Bool {
        switch self {
        case .float16, .bfloat16, .float32, .float64: true
        case .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64, .uint64, .bool: false
        }
    }

    /// Elements of this type as 32-bit floats: exact for the half types, to nearest for binary64.
    ///
    /// - Parameters:
    ///   - bytes: little-endian elements.
    ///   - floats: receives one float per element.
    /// - Precondition: this is a float type; the counts agree.
    public func decode(
        _ bytes: UnsafeRawBufferPointer,
        into floats: UnsafeMutableBufferPointer<Float>
    ) {
        precondition(bytes.count == floats.count * byteCount, "the counts disagree")
        guard let source = bytes.baseAddress, let target = floats.baseAddress, !floats.isEmpty
        else { return }
        switch self {
        case .float32:
            UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: bytes.count)
        case .float16:
            ct_f16_to_f32(source.assumingMemoryBound(to: UInt16.self), target, floats.count)
        case .bfloat16:
            ct_bf16_to_f32(source.assumingMemoryBound(to: UInt16.self), target, floats.count)
        case .float64:
            ct_f64_to_f32(source.assumingMemoryBound(to: Double.self), target, floats.count)
        case .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64, .uint64, .bool:
            preconditionFailure("\(rawValue) is no float type")
        }
    }

    /// 32-bit floats as elements of this type: to nearest, ties to even; NaN stays NaN.
    ///
    /// - Precondition: this is binary32, binary16 or bfloat16; the counts agree.
    public func encode(
        _ floats: UnsafeBufferPointer<Float>,
        into bytes: UnsafeMutableRawBufferPointer
    ) -> Narrowing {
        precondition(bytes.count == floats.count * byteCount, "the counts disagree")
        var narrowing = Narrowing()
        guard let source = floats.baseAddress, let target = bytes.baseAddress, !floats.isEmpty
        else { return narrowing }
        let lost: ct_narrowing
        switch self {
        case .float32:
            target.copyMemory(from: source, byteCount: bytes.count)
            return narrowing
        case .float16:
            lost = ct_f32_to_f16(source, target.assumingMemoryBound(to: UInt16.self), floats.count)
        case .bfloat16:
            lost = ct_f32_to_bf16(source, target.assumingMemoryBound(to: UInt16.self), floats.count)
        case .float64, .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64, .uint64, .bool:
            preconditionFailure("floats are not written as \(rawValue)")
        }
        narrowing.overflowCount = lost.overflows
        narrowing.underflowCount = lost.underflows
        return narrowing
    }

    /// How many elements are NaN or infinite.
    ///
    /// - Precondition: this is a float type.
    public func nonFiniteCount(_ bytes: UnsafeRawBufferPointer) -> Int {
        /// Elements whose exponent is all ones.
        func count<Word: FixedWidthInteger>(_ type: Word.Type, _ exponent: Word) -> Int {
            bytes.assumingMemoryBound(to: type).reduce(0) {
                $0 &+ ($1 & exponent == exponent ? 1 : 0)
            }
        }
        switch self {
        case .float16: return count(UInt16.self, 0x7C00)
        case .bfloat16: return count(UInt16.self, 0x7F80)
        case .float64: return count(UInt64.self, 0x7FF0_0000_0000_0000)
        case .float32:
            let floats = bytes.assumingMemoryBound(to: Float.self)
            guard let base = floats.baseAddress, !floats.isEmpty else { return 0 }
            let summary = ct_summarize(base, floats.count)
            return summary.nan_count + summary.infinity_count
        case .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64, .uint64, .bool:
            preconditionFailure("\(rawValue) is no float type")
        }
    }

    /// Reverses the bytes of each element, in place.
    public func swapBytes(_ bytes: UnsafeMutableRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        switch byteCount {
        case 2: ct_swap16(base.assumingMemoryBound(to: UInt16.self), bytes.count / 2)
        case 4: ct_swap32(base.assumingMemoryBound(to: UInt32.self), bytes.count / 4)
        case 8: ct_swap64(base.assumingMemoryBound(to: UInt64.self), bytes.count / 8)
        default: return
        }
    }

    /// The matrix transpose of elements of this type, `[rows, columns]` to `[columns, rows]`.
    ///
    /// - Precondition: both buffers hold `rows × columns` elements, of 2, 4 or 8 bytes.
    public func transpose(
        _ source: UnsafeRawBufferPointer,
        into target: UnsafeMutableRawBufferPointer,
        rows: Int,
        columns: Int
    ) {
        precondition(
            source.count == rows * columns * byteCount && target.count == source.count,
            "\(rows) rows of \(columns) are not \(source.count) bytes"
        )
        guard let from = source.baseAddress, let to = target.baseAddress, !source.isEmpty
        else { return }
        switch byteCount {
        case 2:
            ct_transpose16(
                from.assumingMemoryBound(to: UInt16.self),
                to.assumingMemoryBound(to: UInt16.self),
                rows,
                columns,
                rows
            )
        case 4:
            ct_transpose32(
                from.assumingMemoryBound(to: UInt32.self),
                to.assumingMemoryBound(to: UInt32.self),
                rows,
                columns,
                rows
            )
        case 8:
            ct_transpose64(
                from.assumingMemoryBound(to: UInt64.self),
                to.assumingMemoryBound(to: UInt64.self),
                rows,
                columns,
                rows
            )
        default: preconditionFailure("matrices of \(rawValue) are not transposed")
        }
    }
}
