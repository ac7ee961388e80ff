import CKernels
import Kernels
import Testing

/// Attention as the package calls it, or one instruction set's kernels, with one interface.
struct AttentionKernel: Sendable, CustomTestStringConvertible {
    /// Nil for what the package calls.
    private let version: KernelVersion?

    static let all =
        [AttentionKernel(version: nil)] + KernelVersion.all.map(AttentionKernel.init(version:))

    var testDescription: String { version?.testDescription ?? "bound" }

    func forward(
        _ sequence: Attention.Sequence,
        context: Matrix,
        dropout: Dropout,
        scratch: UnsafeMutablePointer<Float>
    ) {
        guard let version else {
            Attention.forward(
                sequence,
                context: context,
                dropout: dropout,
                scratch: scratch
            )
            return
        }
        let (q, k, v) = (sequence.query, sequence.key, sequence.value)
        version.kernels.bk_attention_forward?(
            q.base,
            q.stride,
            k.base,
            v.base,
            k.stride,
            context.base,
            context.stride,
            sequence.headCount,
            q.rows,
            k.rows,
            sequence.headSize,
            1 / Float(sequence.headSize).squareRoot(),
            sequence.logSum,
            sequence.scores,
            UInt64(sequence.firstMaskElement),
            bk_dropout(dropout),
            scratch
        )
    }

    func backward(
        _ sequence: Attention.Sequence,
        dContext: Matrix,
        d: [Matrix],
        dropout: Dropout,
        scratch: UnsafeMutablePointer<Float>
    ) {
        guard let version else {
            Attention.backward(
                sequence,
                dContext: dContext,
                dQ: d[0],
                dK: d[1],
                dV: d[2],
                dropout: dropout,
                scratch: scratch
            )
            return
        }
        let (q, k, v) = (sequence.query, sequence.key, sequence.value)
        version.kernels.bk_attention_backward?(
            q.base,
            q.stride,
            k.base,
            v.base,
            k.stride,
            dContext.base,
            dContext.stride,
            sequence.headCount,
            q.rows,
            k.rows,
            sequence.headSize,
            1 / Float(sequence.headSize).squareRoot(),
            sequence.logSum,
            sequence.scores,
            UInt64(sequence.firstMaskElement),
            bk_dropout(dropout),
            d[0].base,
            d[1].base,
            d[2].base,
            scratch
        )
    }
}

/// The kernels of one instruction set that this processor has.
struct KernelVersion: @unchecked Sendable, CustomTestStringConvertible {
    let kernels: bk_kernel_version

    static let all: [KernelVersion] = {
        var all = [bk_kernel_version(), bk_kernel_version(), bk_kernel_version()]
        let count = bk_kernel_versions(&all)
        return all[..<count].map(KernelVersion.init(kernels:))
    }()

    var testDescription: String { String(cString: kernels.name) }
}

extension bk_dropout {
    /// As the package names a mask to the kernels.
    init(_ dropout: Dropout) {
        self.init(
            seed: dropout.seed,
            step: dropout.step,
            site: dropout.site << 8 | 3,
            probability: dropout.probability
        )
    }
}
