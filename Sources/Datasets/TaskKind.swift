/// What a task's examples are labelled with, and so what a model's head answers.
public enum TaskKind: Sendable, Hashable {
    /// One of C classes; class i is called `labels[i]`.
    case classification(labels: [String])
    /// One real number, such as STS-B's similarity from 0 to 5.
    case regression

    /// How many numbers a model's head has for an example: C, or 1.
    public var outputCount: Int {
        switch self {
        case .classification(let labels): labels.count
        case .regression: 1
        }
    }
}

/// How the labels of a file were found among a model's classes.
public enum LabelMatching: Sendable, Hashable {
    /// Each label of the file is the name of a class.
    case byName
    /// No label is a class's name, and all are whole numbers below the number of classes.
    case byIndex
}
