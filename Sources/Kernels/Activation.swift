import CKernels

/// The function a feed-forward layer applies to its intermediate values.
public enum Activation: Sendable, Hashable {
    case gelu
    case geluTanh
    case relu

    /// The number by which the C interfaces know it.
    var number: Int32 {
        switch self {
        case .gelu: 1
        case .geluTanh: 2
        case .relu: 3
        }
    }

    /// out = activation(in), element by element.
    public func forward(
        _ input: UnsafePointer<Float>,
        _ output: UnsafeMutablePointer<Float>,
        count: Int
    ) {
        switch self {
        case .gelu: bk_gelu_forward(input, output, count)
        case .geluTanh: bk_gelu_tanh_forward(input, output, count)
        case .relu: bk_relu_forward(input, output, count)
        }
    }

    /// dIn = dOut · activation′(in), element by element; dIn may be dOut.
    public func backward(
        _ input: UnsafePointer<Float>,
        _ dOutput: UnsafePointer<Float>,
        _ dInput: UnsafeMutablePointer<Float>,
        count: Int
    ) {
        switch self {
        case .gelu: bk_gelu_backward(input, dOutput, dInput, count)
        case .geluTanh: bk_gelu_tanh_backward(input, dOutput, dInput, count)
        case .relu: bk_relu_backward(input, dOutput, dInput, count)
        }
    }
}
