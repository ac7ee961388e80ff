import Checkpoints
import Diagnostics

/// The heads that each layer has.
///
/// A pruned head's rows of query, key and value and its columns of the attention's output are gone; the hidden
/// width and the width of a head stay.
///
/// - Source: `pruned_heads` of Hugging Face's configurations; Michel et al. 2019.
extension BertConfiguration {
    /// N, the heads that a layer has.
    public func headCount(ofLayer layer: Int) -> Int {
        attentionHeadCount - (prunedHeads[layer]?.count ?? 0)
    }

    /// The heads that a layer has, numbered as before any was pruned, ascending.
    public func heads(ofLayer layer: Int) -> [Int] {
        (0..<attentionHeadCount).filter { prunedHeads[layer]?.contains($0) != true }
    }

    /// A = N D, the width of a layer's queries, keys and values: its heads side by side.
    public func attentionWidth(ofLayer layer: Int) -> Int { headCount(ofLayer: layer) * headSize }

    /// How many heads the layers have: `9`, or `7 to 9` where not all have as many.
    package var headCountPhrase: String {
        let counts = (0..<hiddenLayerCount).map(headCount(ofLayer:))
        let (least, most) = (counts.min() ?? 0, counts.max() ?? 0)
        return least == most ? "\(most)" : "\(least) to \(most)"
    }

    /// Keeps some of the layers, numbered anew, each with the heads that it has.
    package mutating func keep(layers: [Int]) {
        let old = prunedHeads
        prunedHeads = [:]
        for (index, layer) in layers.enumerated() { prunedHeads[index] = old[layer] }
        hiddenLayerCount = layers.count
    }

    /// Keeps some of each layer's heads.
    ///
    /// - Parameter kept: by layer, at least one of `heads(ofLayer:)`.
    package mutating func keep(heads kept: [[Int]]) {
        precondition(kept.count == hiddenLayerCount && kept.allSatisfy { !$0.isEmpty })
        for (layer, heads) in kept.enumerated() {
            let pruned = Set(0..<attentionHeadCount).subtracting(heads)
            prunedHeads[layer] = pruned.isEmpty ? nil : pruned
        }
    }

    /// For people: `0: 1, 3; 2: 0`, or `none`.
    package var prunedHeadsPhrase: String {
        guard !prunedHeads.isEmpty else { return "none" }
        return prunedHeads.sorted { $0.key < $1.key }
            .map { "\($0.key): " + $0.value.sorted().map(String.init).joined(separator: ", ") }
            .joined(separator: "; ")
    }

    /// `{"0": [1, 3], …}`, layers and heads ascending; nil where none was pruned.
    var prunedHeadsJSON: JSONValue? {
        guard !prunedHeads.isEmpty else { return nil }
        var members: [String: JSONValue] = [:]
        for (layer, heads) in prunedHeads {
            members[String(layer)] = .array(heads.sorted().map(JSONValue.integer))
        }
        return .object(members)
    }
}

extension BertConfigurationFile {
    /// `pruned_heads`, without the layers that lose none.
    ///
    /// - Parameters:
    ///   - layers: how many there are.
    ///   - heads: how many each has before any is pruned.
    static func prunedHeads(
        _ fields: inout Fields,
        layers: Int,
        heads: Int
    ) throws(Failure) -> [Int: Set<Int>] {
        let key = "pruned_heads"
        guard let value = fields.take(key) else { return [:] }
        guard case .object(let members) = value else {
            throw fields.problem(
                "\"\(key)\" must be an object with a list of heads for a layer and is \(value.phrase)"
            )
        }
        var pruned: [Int: Set<Int>] = [:]
        for (name, list) in members.sorted(by: { $0.key < $1.key }) {
            guard let layer = Int(name), String(layer) == name, (0..<layers).contains(layer) else {
                throw fields.problem(
                    "\"\(key)\" has the key \"\(printable(name))\", and the layers are 0 to \(layers - 1)"
                )
            }
            guard case .array(let elements) = list else {
                throw fields.problem(
                    "\"\(key)\" must have a list of heads for layer \(layer) and has \(list.phrase)"
                )
            }
            var found: Set<Int> = []
            for element in elements {
                guard case .integer(let head) = element, (0..<heads).contains(head) else {
                    throw fields.problem(
                        "\"\(key)\" must list heads from 0 to \(heads - 1) for layer \(layer) and has "
                            + element.phrase
                    )
                }
                guard found.insert(head).inserted else {
                    throw fields.problem("\"\(key)\" lists head \(head) of layer \(layer) twice")
                }
            }
            guard found.count < heads else {
                throw fields.problem(
                    "\"\(key)\" must leave layer \(layer) a head and lists all \(heads)"
                )
            }
            if !found.isEmpty { pruned[layer] = found }
        }
        return pruned
    }
}
