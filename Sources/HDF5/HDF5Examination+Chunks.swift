internal import CHDF5
import Diagnostics

extension Examination {
    /// What chunks may have beside the dataset, whose last ones they overlap.
    private static let mostChunkByteCount = 64 << 20

    /// The extents of a chunk.
    func chunks(
        _ creation: borrowing Handle,
        _ dimensions: [Int],
        _ elementByteCount: Int,
        _ declared: Int,
        _ refused: (String) -> Failure
    ) throws(Failure) -> [Int] {
        var extents = [hsize_t](repeating: 0, count: dimensions.count)
        let rank = H5Pget_chunk(creation.id, Int32(dimensions.count), &extents)
        guard !dimensions.isEmpty, rank == Int32(dimensions.count),
            extents.allSatisfy({ $0 > 0 && $0 <= hsize_t(Int32.max) })
        else { throw refused("has chunks of other dimensions") }
        var byteCount = elementByteCount
        for extent in extents {
            let (product, overflow) = byteCount.multipliedReportingOverflow(by: Int(extent))
            guard !overflow, product <= max(Self.mostChunkByteCount, declared) else {
                throw refused("has chunks that are much larger than it is")
            }
            byteCount = product
        }
        return extents.map { Int($0) }
    }
}
