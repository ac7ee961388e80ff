/// The name a mistyped word most likely meant, if any is close: at most a third of its letters
/// (and at least two) differ. The first of equally close names wins.
package func nearestName(to word: String, in names: [String]) -> String? {
    let limit = max(2, word.unicodeScalars.count / 3)
    var best: (name: String, distance: Int)?
    for name in names {
        let distance = editDistance(word, name)
        if distance <= limit, distance < best?.distance ?? .max { best = (name, distance) }
    }
    return best?.name
}

/// Levenshtein distance over Unicode scalars.
private func editDistance(_ left: String, _ right: String) -> Int {
    let left = Array(left.unicodeScalars.prefix(64))
    let right = Array(right.unicodeScalars)
    var row = Array(0...right.count)
    for (i, scalar) in left.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, other) in right.enumerated() {
            let substituted = diagonal + (scalar == other ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(substituted, diagonal + 1, row[j] + 1)
        }
    }
    return row[right.count]
}
