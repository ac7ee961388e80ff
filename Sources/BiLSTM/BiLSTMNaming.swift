package import Checkpoints

/// How a file names and orients a BiLSTM's tensors.
///
/// All have the gates in the order input, forget, candidate, output.
public enum BiLSTMNaming: String, Sendable, Hashable, CaseIterable {
    /// `model.weights.h5` of a Keras 3 model of Embedding, Bidirectional(LSTM), Dense, Dense: matrices
    /// `[input, output]`, one bias for each LSTM.
    case keras
    /// `model.safetensors` with the names of a PyTorch module that has `embedding`, `lstm`, `hidden` and
    /// `output`: matrices `[output, input]`, two biases for each LSTM, whose sum is what counts; the
    /// second is written as zero.
    case pyTorch

    public var fileName: String {
        switch self {
        case .keras: "model.weights.h5"
        case .pyTorch: "model.safetensors"
        }
    }

    /// In words.
    public var phrase: String {
        switch self {
        case .keras: "BiLSTM, Keras 3 layers"
        case .pyTorch: "BiLSTM, torch.nn.LSTM"
        }
    }

    /// A row for every parameter.
    package var keyMap: KeyMap {
        var rows = [row("embedding.weight", "embedding/vars/0", .identity)]
        for (direction, layer) in ["forward_layer", "backward_layer"].enumerated() {
            let cell = "bidirectional/\(layer)/cell/vars"
            rows += [
                row(BiLSTMLayout.name(.input, direction), "\(cell)/0", .transpose),
                row(BiLSTMLayout.name(.recurrent, direction), "\(cell)/1", .transpose),
                row(BiLSTMLayout.name(.bias, direction), "\(cell)/2", .identity),
            ]
        }
        for (name, layer) in [("hidden", "dense"), ("output", "dense_1")] {
            rows += [
                row("\(name).weight", "\(layer)/vars/0", .transpose),
                row("\(name).bias", "\(layer)/vars/1", .identity),
            ]
        }
        return KeyMap(rows: rows)
    }

    private func row(
        _ canonical: String,
        _ keras: String,
        _ transform: KeyMap.Transform
    ) -> KeyMap.Row {
        switch self {
        case .keras:
            KeyMap.Row(canonical: canonical, stored: "layers/\(keras)", transform: transform)
        case .pyTorch:
            KeyMap.Row(
                canonical: canonical,
                stored: canonical.replacing("lstm.bias_l0", with: "lstm.bias_ih_l0"),
                transform: .identity
            )
        }
    }

    /// The second bias of each LSTM, by the canonical name of the first.
    package var secondBiases: [(stored: String, canonical: String)] {
        guard self == .pyTorch else { return [] }
        return [0, 1].map { direction in
            let name = BiLSTMLayout.name(.bias, direction)
            return (name.replacing("lstm.bias_l0", with: "lstm.bias_hh_l0"), name)
        }
    }
}
