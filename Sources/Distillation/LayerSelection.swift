/// Which teacher layers a student's layers are copied from, numbered from 0.
public enum LayerSelection {
    /// Layers spread evenly with the first and the last included: layer ⌊i·(N − 1)/(M − 1)⌋ for
    /// i = 0…M − 1, and the last alone for M = 1. Six layers to three: 0, 2, 5.
    ///
    /// - Precondition: 1 ≤ `studentLayers` ≤ `teacherLayers`.
    public static func evenlySpaced(studentLayers: Int, teacherLayers: Int) -> [Int] {
        precondition(studentLayers >= 1 && studentLayers <= teacherLayers)
        if studentLayers == 1 { return [teacherLayers - 1] }
        return (0..<studentLayers).map { $0 * (teacherLayers - 1) / (studentLayers - 1) }
    }
}
