/// What is known of a data set's examples beside a model's answers to them.
public struct ExampleFacts: Sendable {
    /// The file, as the user spelled it.
    public var data: String
    /// The number of pieces that the first model reads of each example.
    public var lengths: [Int]
    /// The text of an answer: an example's, or a word with its sentence.
    public var text: @Sendable (_ answer: Int) -> String
    /// Columns whose values make slices, each with its name: a value for each example.
    public var columns: [(name: String, values: [String])]
    /// The most disagreements listed for a student.
    public var listedDisagreements: Int

    public init(
        data: String,
        lengths: [Int],
        text: @escaping @Sendable (_ answer: Int) -> String,
        columns: [(name: String, values: [String])] = [],
        listedDisagreements: Int = 20
    ) {
        self.data = data
        self.lengths = lengths
        self.text = text
        self.columns = columns
        self.listedDisagreements = listedDisagreements
    }
}
