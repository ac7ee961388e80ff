public import Checkpoints

/// What a stored name says.
public enum StoredMeaning: Sendable, Hashable {
    /// A parameter, by its canonical name, and how it is stored.
    case parameter(canonical: String, KeyMap.Transform)
    /// A second copy of a parameter, which some layouts keep of tied weights; equal to it bit for
    /// bit, or the weights are not tied.
    case copy(canonical: String, KeyMap.Transform)
    /// No part of the model, by this rule.
    case ignored(rule: String)
    case unknown

    /// The same with another transform, for a layout that stores what it names otherwise.
    func transformed(_ transform: KeyMap.Transform) -> StoredMeaning {
        switch self {
        case .parameter(let canonical, _): .parameter(canonical: canonical, transform)
        case .copy(let canonical, _): .copy(canonical: canonical, transform)
        case .ignored, .unknown: self
        }
    }
}

/// Rules by which stored tensors are no part of the model; reports show them.
enum IgnoreRule {
    static let buffer = "a buffer that every library computes anew"
    static let optimizer = "the optimizer's state"
    static let teacherProjection = "TinyBERT's projection to the teacher's width, used in training"
    static let metric = "counters of a training loop"
}
