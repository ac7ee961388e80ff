import Foundation
import Kernels

/// The activations and their derivatives by the definition.
enum ReferenceActivation {
    static func value(_ activation: Activation, _ x: Double) -> Double {
        switch activation {
        case .gelu: x * distribution(x)
        // ½ (1 + tanh u) is the logistic function of 2u, which keeps the tail's relative precision.
        case .geluTanh: x / (1 + exp(-2 * inner(x)))
        case .relu: max(0, x)
        }
    }

    static func slope(_ activation: Activation, _ x: Double) -> Double {
        switch activation {
        case .gelu:
            return distribution(x) + x * exp(-x * x / 2) / (2 * Double.pi).squareRoot()
        case .geluTanh:
            let dInner = (2 / Double.pi).squareRoot() * (1 + 3 * 0.044715 * x * x)
            let derivative = 1 / (cosh(inner(x)) * cosh(inner(x)))
            return 0.5 * (1 + tanh(inner(x))) + 0.5 * x * derivative * dInner
        case .relu:
            return x > 0 ? 1 : 0
        }
    }

    /// Φ, with erfc so that the negative tail keeps its relative precision.
    private static func distribution(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }

    private static func inner(_ x: Double) -> Double {
        (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
    }
}
