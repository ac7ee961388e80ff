public import Bert
public import Diagnostics

/// How the widths of a teacher become those of a narrower student.
public enum SlimmingMethod: String, Sendable, Hashable, CaseIterable {
    /// The first hidden dimensions, heads, dimensions of heads and feed-forward neurons.
    case leading
    /// Those that the task's loss depends on most.
    ///
    /// - Source: DynaBERT, Hou et al. 2020, section 2.1, as its code computes it.
    case importance
    /// Heads and neurons by importance; the hidden states' principal directions on a sample.
    case pca
    /// Heads and neurons by importance; the directions of the word embeddings' truncated SVD.
    case svd
}

extension StudentShape {
    /// A teacher's configuration with these sizes in place of its own.
    ///
    /// - Parameter layers: how many layers are taken over; `layers` is not read.
    /// - Throws: `Failure` of kind `.usage`, one sentence, for what no slimming of this teacher gives.
    public func slimmed(
        _ teacher: BertConfiguration,
        layers: [Int]
    ) throws(Failure) -> BertConfiguration {
        try teacher.checkCanTrain("the teacher")
        let subject = "a slimmed student"
        guard teacher.embeddingSize == teacher.hiddenSize else {
            throw Failure(
                .usage,
                subject,
                "the teacher's embeddings are \(teacher.embeddingSize) wide and its hidden states "
                    + "\(teacher.hiddenSize), and slimming changes both alike",
                remedy: "Start with --init teacher-layers or --init random"
            )
        }
        if let layer = layers.first(where: { !(0..<teacher.hiddenLayerCount).contains($0) }) {
            throw Failure(
                .usage,
                subject,
                "the teacher has layers 0 to \(teacher.hiddenLayerCount - 1), not \(layer)"
            )
        }
        let widths = [
            ("--hidden", hidden, teacher.hiddenSize),
            ("--heads", heads, teacher.attentionHeadCount),
            ("--intermediate", intermediate, teacher.intermediateSize),
        ]
        for (option, wanted, own) in widths {
            guard let wanted, wanted > own else { continue }
            throw Failure(
                .usage,
                subject,
                "it is no wider than its teacher, but \(option) is \(wanted) and the teacher has \(own)",
                remedy: "Choose a smaller one, or start with --init random"
            )
        }
        var result = teacher
        result.keep(layers: layers)
        result.hiddenSize = hidden ?? teacher.hiddenSize
        if let heads { result.keepAtMost(heads: heads) }
        result.intermediateSize = intermediate ?? teacher.intermediateSize
        guard result.hiddenSize.isMultiple(of: result.attentionHeadCount) else {
            throw Failure(
                .usage,
                subject,
                "the teacher's \(result.attentionHeadCount) heads do not divide a width of "
                    + "\(result.hiddenSize)",
                remedy: "Say how many it is to have with --heads"
            )
        }
        guard result.headSize <= teacher.headSize else {
            let least = (result.hiddenSize + teacher.headSize - 1) / teacher.headSize
            throw Failure(
                .usage,
                subject,
                "its heads are no wider than its teacher's \(teacher.headSize), but "
                    + "\(result.attentionHeadCount) heads over \(result.hiddenSize) are "
                    + "\(result.headSize) wide",
                remedy: "Give it at least \(least) heads with --heads"
            )
        }
        return result
    }
}

extension BertConfiguration {
    /// Layers of so many heads, numbered anew; a layer that has fewer keeps these.
    fileprivate mutating func keepAtMost(heads count: Int) {
        guard count != attentionHeadCount else { return }
        let kept = (0..<hiddenLayerCount).map { Array(0..<min(count, headCount(ofLayer: $0))) }
        attentionHeadCount = count
        keep(heads: kept)
    }
}
