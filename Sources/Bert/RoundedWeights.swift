import Kernels

/// The encoder layers' weights in bfloat16, beside the single-precision ones that training changes.
///
/// A class because its identity is the memory.
final class RoundedWeights: @unchecked Sendable {
    private let model: BertModel
    private let memory: FloatBuffer
    /// The layers' place in the arena, in floats.
    private let range: Range<Int>
    /// The model's views, the layers' with their weights in both forms.
    let views: ModelViews

    /// - Returns: nil for a model without layers.
    init?(_ model: BertModel) {
        let layers = model.layout.entries.filter { $0.name.hasPrefix("encoder.layer.") }
            .map(\.slot.range)
        guard let start = layers.map(\.lowerBound).min(),
            let end = layers.map(\.upperBound).max()
        else { return nil }
        self.model = model
        range = start..<end
        let memory = FloatBuffer(count: (range.count + 1) / 2)
        self.memory = memory
        let halves = UnsafeMutableRawPointer(memory.base).assumingMemoryBound(to: UInt16.self)
        var views = model.views
        func round(_ linear: inout Linear) {
            linear.rounded = halves + (linear.weight - (model.weights.base + start))
        }
        for index in views.layers.indices {
            round(&views.layers[index].queryKeyValue)
            round(&views.layers[index].query)
            round(&views.layers[index].keyValue)
            round(&views.layers[index].attentionOutput)
            round(&views.layers[index].intermediate)
            round(&views.layers[index].output)
        }
        self.views = views
    }

    /// Rounds the weights as they are now.
    func refresh(_ pool: WorkerPool) {
        let source = model.weights.base + range.lowerBound
        let target = UnsafeMutableRawPointer(memory.base).assumingMemoryBound(to: UInt16.self)
        let (count, piece) = (range.count, 1 << 16)
        pool.run((count + piece - 1) / piece) { task, worker in
            let start = task * piece
            let length = min(piece, count - start)
            Elementwise.round(source + start, to: target + start, count: length)
            pool.recorder(worker)?.lap(.weightRounding, floats: length, bytes: 2 * length)
        }
    }
}
