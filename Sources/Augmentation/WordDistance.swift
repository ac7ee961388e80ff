/// The fewest words to insert, delete or exchange that make one text the other.
///
/// - Source: Levenshtein 1966, by the row-wise table of Wagner and Fischer 1974.
struct WordDistance {
    private var row: [Int] = []

    /// - Parameters: words by numbers that are equal for equal words.
    mutating func between(_ first: [UInt64], _ second: [UInt64]) -> Int {
        var (start, firstEnd, secondEnd) = (0, first.count, second.count)
        while start < firstEnd, start < secondEnd, first[start] == second[start] { start += 1 }
        while firstEnd > start, secondEnd > start, first[firstEnd - 1] == second[secondEnd - 1] {
            firstEnd -= 1
            secondEnd -= 1
        }
        guard start < firstEnd, start < secondEnd else {
            return firstEnd - start + secondEnd - start
        }
        row = Array(0...(secondEnd - start))
        for index in start..<firstEnd {
            var diagonal = row[0]
            row[0] += 1
            for other in start..<secondEnd {
                let place = other - start + 1
                let exchanged = diagonal + (first[index] == second[other] ? 0 : 1)
                diagonal = row[place]
                row[place] = min(exchanged, min(row[place], row[place - 1]) + 1)
            }
        }
        return row[secondEnd - start]
    }
}
