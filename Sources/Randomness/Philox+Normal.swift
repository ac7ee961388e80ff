import Foundation

extension Philox {
    /// A draw from the standard normal distribution (Box and Muller's cosine branch, two words).
    public mutating func nextNormal() -> Double {
        let radius = (Double(nextWord()) + 1) * 0x1p-32
        let angle = Double(nextWord()) * 0x1p-32
        return (-2 * log(radius)).squareRoot() * cos(2 * Double.pi * angle)
    }
}
