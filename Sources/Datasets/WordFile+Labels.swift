public import Diagnostics

extension WordFile {
    /// The names of the classes that occur: in numerical order if all are whole numbers, else in the order
    /// of their UTF-8 bytes.
    ///
    /// - Throws: `Failure` if there are no labels, or fewer than two different ones.
    public func labelSet() throws(Failure) -> [String] {
        guard hasLabels else { throw Failure(.badData, name, "the words have no labels") }
        guard labelNames.count > 1 else {
            throw Failure(
                .badData,
                name,
                "every word has the label '\(printable(labelNames[0]))'; a classifier needs two at "
                    + "least"
            )
        }
        let numbers = labelNames.compactMap { Int($0) }
        if numbers.count == labelNames.count,
            zip(numbers, labelNames).allSatisfy({ String($0) == $1 })
        {
            return numbers.sorted().map { String($0) }
        }
        return labelNames.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Each word's class, matched by name; if no label of the file is a class's name and all are whole
    /// numbers from 0 to C − 1, they are class indexes.
    ///
    /// - Throws: `Failure` naming line and label for the first one that is unknown.
    public func targets(
        among classes: [String]
    ) throws(Failure) -> (values: [Float], matching: LabelMatching) {
        guard hasLabels else { throw Failure(.badData, name, "the words have no labels") }
        var indexes: [[UInt8]: Int] = [:]
        for (index, label) in classes.enumerated() {
            let key = Array(label.utf8)
            if indexes[key] == nil { indexes[key] = index }
        }
        let named = labelNames.map { indexes[Array($0.utf8)] }
        guard let unknown = named.firstIndex(of: nil) else {
            return (labels.map { Float(named[$0] ?? 0) }, .byName)
        }
        let numbers = labelNames.map { text -> Int? in
            guard let index = Int(text), String(index) == text, classes.indices.contains(index)
            else { return nil }
            return index
        }
        let isNamed = named.contains { $0 != nil }
        guard !isNamed, !numbers.contains(nil) else {
            let bad = isNamed ? unknown : numbers.firstIndex(of: nil) ?? unknown
            let word = labels.firstIndex(of: bad) ?? 0
            throw Failure(
                .badData,
                name,
                "line \(lines[word]): unknown label '\(printable(labelNames[bad]))'; the classes are "
                    + classes.map { "'\(printable($0))'" }.joined(separator: ", ")
            )
        }
        return (labels.map { Float(numbers[$0] ?? 0) }, .byIndex)
    }
}
