public import Diagnostics

extension TaskFile {
    /// The names of the classes that occur: in numerical order if all are whole numbers, else in
    /// the order of their UTF-8 bytes, so that the order of the rows does not matter.
    ///
    /// This is how the classes of a model trained from scratch are named and numbered.
    ///
    /// - Throws: `Failure` if the file has no labels, fewer than two different ones, or a first row
    ///   that looks like an unrecognised header.
    public func labelSet() throws(Failure) -> [String] {
        let found = try distinctLabels()
        try refuseUnseenHeader(found)
        if let empty = found.names.firstIndex(where: \.isEmpty) {
            throw Failure(
                .badData,
                name,
                "line \(line(found.firstRows[empty])): the label is empty",
                remedy: "Rows that nobody labelled are for a teacher: distil with them"
            )
        }
        guard found.names.count > 1 else {
            throw Failure(
                .badData,
                name,
                "every row has the label \(listed(found.texts)); a classifier needs two at least"
            )
        }
        let texts = found.texts
        let numbers = texts.compactMap { Int($0) }
        if numbers.count == texts.count, zip(numbers, texts).allSatisfy({ String($0) == $1 }) {
            return numbers.sorted().map { String($0) }
        }
        return texts.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// The task that the labels look like: regression if every label is a number and one at least
    /// is not whole, else classification over ``labelSet()``.
    public func inferredKind() throws(Failure) -> TaskKind {
        let found = try distinctLabels()
        try refuseUnseenHeader(found)
        let values = found.names.map { decimal($0[...]) }
        let areNumbers = values.allSatisfy { $0 != nil }
        if areNumbers, values.contains(where: { $0 != $0?.rounded() }) { return .regression }
        return .classification(labels: try labelSet())
    }

    /// What each row is labelled with, as numbers: the class's index, or the score.
    ///
    /// Classes are matched by name. If no label of the file is a class's name and all are whole
    /// numbers from 0 to C − 1, they are class indexes.
    ///
    /// - Returns: one target per row, not a number for a row that may lack its label and does; how labels
    ///   were matched, `nil` for scores.
    /// - Throws: `Failure` naming line and label for the first one that is unknown, or is not a
    ///   number.
    public func targets(
        for kind: TaskKind
    ) throws(Failure) -> (values: [Float], matching: LabelMatching?) {
        switch kind {
        case .classification(let labels):
            let (classes, matching) = try classes(among: labels)
            return (classes, matching)
        case .regression: return (try scores(), nil)
        }
    }

    private func classes(
        among labels: [String]
    ) throws(Failure) -> (values: [Float], matching: LabelMatching) {
        let found = try distinctLabels()
        var indexes: [[UInt8]: Int] = [:]
        for (index, label) in labels.enumerated() {
            let key = Array(label.utf8)
            if indexes[key] == nil { indexes[key] = index }
        }
        let named = found.names.map { indexes[$0] }
        if let unknown = named.firstIndex(of: nil) {
            let numbers = found.texts.map { classIndex($0, count: labels.count) }
            let isNamed = named.contains { $0 != nil }
            guard !isNamed, !numbers.contains(nil) else {
                let notIndex = numbers.firstIndex(of: nil)
                let row = found.firstRows[isNamed ? unknown : notIndex ?? unknown]
                throw Failure(
                    .badData,
                    name,
                    "line \(line(row)): unknown label '\(printable(label(row) ?? ""))'; "
                        + "the classes are \(listed(labels))"
                )
            }
            return (found.ids.map { $0 < 0 ? .nan : Float(numbers[$0] ?? 0) }, .byIndex)
        }
        return (found.ids.map { $0 < 0 ? .nan : Float(named[$0] ?? 0) }, .byName)
    }

    private func classIndex(_ text: String, count: Int) -> Int? {
        guard let index = Int(text), String(index) == text, (0..<count).contains(index) else {
            return nil
        }
        return index
    }

    private func scores() throws(Failure) -> [Float] {
        try requireLabels()
        var values: [Float] = []
        values.reserveCapacity(count)
        for row in 0..<count {
            guard isLabelled(row) else {
                values.append(.nan)
                continue
            }
            guard let value = decimal(bytes[rows.labels[row]]), Float(value).isFinite else {
                throw Failure(
                    .badData,
                    name,
                    "line \(line(row)): expected a number as the label, found "
                        + "'\(printable(label(row) ?? ""))'"
                )
            }
            values.append(Float(value))
        }
        return values
    }

    /// A finite number in decimal notation; not `nan`, `inf` or hexadecimal.
    private func decimal(_ text: ArraySlice<UInt8>) -> Double? {
        let isDecimal = text.allSatisfy { byte in
            (0x30...0x39).contains(byte) || byte == 0x2E || byte == 0x2D || byte == 0x2B
                || byte | 0x20 == 0x65
        }
        guard isDecimal, let value = Double(String(decoding: text, as: UTF8.self)), value.isFinite
        else { return nil }
        return value
    }
}

// MARK: - Different labels

/// The different labels of a file in the order of their first rows.
private struct DistinctLabels {
    var names: [[UInt8]] = []
    var firstRows: [Int] = []
    /// For each row, which label; −1 for none.
    var ids: [Int] = []

    var texts: [String] { names.map { String(decoding: $0, as: UTF8.self) } }
}

extension TaskFile {
    private func requireLabels() throws(Failure) {
        guard hasLabels else { throw Failure(.badData, name, "the file has no labels") }
    }

    private func distinctLabels() throws(Failure) -> DistinctLabels {
        try requireLabels()
        var found = DistinctLabels()
        found.ids.reserveCapacity(count)
        // Bytes, not strings: canonically equivalent labels are different labels.
        var known: [[UInt8]: Int] = [:]
        for row in 0..<count {
            guard isLabelled(row) else {
                found.ids.append(-1)
                continue
            }
            let label = bytes[rows.labels[row]]
            if let last = found.ids.last, last >= 0, found.names[last].elementsEqual(label) {
                found.ids.append(last)
                continue
            }
            let key = Array(label)
            let id = known[key] ?? found.names.count
            if id == found.names.count {
                known[key] = id
                found.names.append(key)
                found.firstRows.append(row)
            }
            found.ids.append(id)
        }
        return found
    }

    /// A header with unusual names, read as a row, would become a class of its own: its label is
    /// then the only one on a single row, or the only one that is not a number.
    private func refuseUnseenHeader(_ found: DistinctLabels) throws(Failure) {
        guard format == .tabSeparated, !hasHeader, !headerIsSettled, found.names.count > 2 else {
            return
        }
        var occurrences = [Int](repeating: 0, count: found.names.count)
        for id in found.ids where id >= 0 { occurrences[id] += 1 }
        let isAlone = occurrences[0] == 1 && !occurrences[1...].contains(1)
        let isWord =
            decimal(found.names[0][...]) == nil
            && found.names[1...].allSatisfy { decimal($0[...]) != nil }
        guard isAlone || isWord else { return }
        throw Failure(
            .badData,
            name,
            "line \(line(0)): the label '\(printable(label(0) ?? ""))' is unlike all others, so "
                + "the line may be a header",
            remedy: "Say whether the file has a header"
        )
    }
}
