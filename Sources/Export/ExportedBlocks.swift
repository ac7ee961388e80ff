/// Values as the blocks of GGML's types.
package enum ExportedBlocks {
    /// Q8_0.
    ///
    /// - Precondition: the values are finite, and their number is a multiple of 32.
    package static func q8(_ values: [Float]) -> [UInt8] {
        let count = values.count / Rounding.blockLength * Rounding.blockByteCount
        return [UInt8](unsafeUninitializedCapacity: count) { bytes, initialized in
            initialized = count
            guard count > 0 else { return }
            values.withUnsafeBufferPointer { values in
                _ = Rounding.blocks(
                    values.baseAddress!,
                    count: values.count,
                    into: UnsafeMutableRawPointer(bytes.baseAddress!)
                )
            }
        }
    }
}
