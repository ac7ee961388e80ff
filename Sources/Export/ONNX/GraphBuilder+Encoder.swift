import Bert

/// The encoder's part of the graph. B × S tokens, padding among them, as runtimes want them.
extension GraphBuilder {
    struct Inputs {
        let ids: String
        let mask: String
        let types: String?
    }

    /// The hidden states of the last layer, `[B, S, H]`.
    mutating func encoder(_ inputs: Inputs) -> String {
        var hidden = embeddings(inputs)
        if configuration.embeddingSize != configuration.hiddenSize {
            hidden = linear("embeddings_project", hidden, at: "/embeddings_project")
        }
        let mask = additiveMask(inputs.mask)
        for layer in 0..<configuration.hiddenLayerCount {
            hidden = self.layer(layer, hidden, mask)
        }
        return hidden
    }

    private mutating func embeddings(_ inputs: Inputs) -> String {
        let path = "/embeddings"
        let words = parameter("embeddings.word_embeddings.weight")
        var sum = node("Gather", [words, inputs.ids], at: path + "/word_embeddings")
        if configuration.hasTokenTypes {
            let table = parameter("embeddings.token_type_embeddings.weight")
            let types = inputs.types ?? integers([0], isScalar: true)
            let rows = node("Gather", [table, types], at: path + "/token_type_embeddings")
            sum = node("Add", [sum, rows], at: path)
        }
        let positions = self.positions(inputs.ids, at: path + "/position_embeddings")
        sum = node("Add", [sum, positions], at: path)
        return layerNorm("embeddings.LayerNorm", sum, at: path + "/LayerNorm")
    }

    /// Rows of the position embeddings: the first ones, or, in RoBERTa, those behind the padding piece's
    /// number for every piece that is not padding.
    private mutating func positions(_ ids: String, at path: String) -> String {
        let table = parameter("embeddings.position_embeddings.weight")
        guard configuration.family == .roberta else {
            let length = node("Shape", [ids], at: path, [("start", .int(1)), ("end", .int(2))])
            let zero = integers([0])
            return node("Slice", [table, zero, length, zero], at: path)
        }
        let padding = integers([configuration.padTokenID], isScalar: true)
        let isPadding = node("Equal", [ids, padding], at: path)
        let isPiece = node("Not", [isPadding], at: path)
        let ones = node(
            "Cast",
            [isPiece],
            at: path,
            [("to", .int(ONNXGraph.DataType.int64.rawValue))]
        )
        let counts = node("CumSum", [ones, integers([1], isScalar: true)], at: path)
        let numbers = node("Mul", [counts, ones], at: path)
        let rows = node("Add", [numbers, padding], at: path)
        return node("Gather", [table, rows], at: path)
    }

    /// 0 where a token is and a number that no score reaches where padding is, `[B, 1, 1, S]`. It is finite,
    /// so that a row of nothing but padding is no NaN.
    private mutating func additiveMask(_ mask: String) -> String {
        let path = "/attention_mask"
        let third = node("Unsqueeze", [mask, integers([1])], at: path)
        let fourth = node("Unsqueeze", [third, integers([2])], at: path)
        let real = node("Cast", [fourth], at: path, [("to", .int(type.rawValue))])
        let inverse = node("Sub", [number(1), real], at: path)
        return node("Mul", [inverse, number(-10000)], at: path)
    }

    private mutating func layer(_ index: Int, _ hidden: String, _ mask: String) -> String {
        let name = "encoder.layer.\(index)"
        let path = "/encoder/layer.\(index)"
        let context = attention(index, hidden, mask, at: path + "/attention")
        let projected = linear(
            name + ".attention.output.dense",
            context,
            at: path + "/attention/output/dense",
            isInEncoder: true
        )
        let attended = node("Add", [projected, hidden], at: path + "/attention/output")
        let middle = layerNorm(
            name + ".attention.output.LayerNorm",
            attended,
            at: path + "/attention/output/LayerNorm"
        )
        let inner = linear(
            name + ".intermediate.dense",
            middle,
            at: path + "/intermediate/dense",
            isInEncoder: true
        )
        let active = activation(
            configuration.activation,
            inner,
            at: path + "/intermediate/activation"
        )
        let outer = linear(
            name + ".output.dense",
            active,
            at: path + "/output/dense",
            isInEncoder: true
        )
        let sum = node("Add", [outer, middle], at: path + "/output")
        return layerNorm(name + ".output.LayerNorm", sum, at: path + "/output/LayerNorm")
    }

    /// softmax(Q Kᵀ / √D + mask) V for every head, the heads side by side again.
    private mutating func attention(
        _ layer: Int,
        _ hidden: String,
        _ mask: String,
        at path: String
    ) -> String {
        let name = "encoder.layer.\(layer)"
        let heads = configuration.headCount(ofLayer: layer)
        let shape = integers([0, 0, heads, configuration.headSize])
        func permutation(_ axes: [Int]) -> [(name: String, value: ONNXGraph.Attribute)] {
            [("perm", .ints(axes))]
        }
        var parts: [String] = []
        for (part, axes) in [
            ("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3]),
        ] {
            let place = "\(path)/self/\(part)"
            let all = linear(
                "\(name).attention.self.\(part)",
                hidden,
                at: place,
                isInEncoder: true
            )
            let heads = node("Reshape", [all, shape], at: place)
            parts.append(node("Transpose", [heads], at: place, permutation(axes)))
        }
        let place = path + "/self"
        let products = node("MatMul", [parts[0], parts[1]], at: place)
        let root = number(Float(Double(configuration.headSize).squareRoot()))
        let scores = node("Div", [products, root], at: place)
        let masked = node("Add", [scores, mask], at: place)
        let shares = node("Softmax", [masked], at: place, [("axis", .int(-1))])
        let mixed = node("MatMul", [shares, parts[2]], at: place)
        let back = node("Transpose", [mixed], at: place, permutation([0, 2, 1, 3]))
        return node(
            "Reshape",
            [back, integers([0, 0, configuration.attentionWidth(ofLayer: layer)])],
            at: place
        )
    }

    mutating func layerNorm(
        _ name: String,
        _ value: String,
        at path: String,
        epsilon: Double? = nil
    ) -> String {
        let (weight, bias) = (parameter(name + ".weight"), parameter(name + ".bias"))
        let epsilon = Float(epsilon ?? configuration.layerNormEpsilon)
        return node(
            "LayerNormalization",
            [value, weight, bias],
            at: path,
            [("axis", .int(-1)), ("epsilon", .float(epsilon))]
        )
    }

    /// The activations in operators of opset 18, which has no GELU, in the forms that runtimes know again.
    mutating func activation(
        _ activation: BertConfiguration.Activation,
        _ value: String,
        at path: String
    ) -> String {
        switch activation {
        case .relu: return node("Relu", [value], at: path)
        case .gelu:
            let scaled = node("Div", [value, number(Float(2).squareRoot())], at: path)
            let error = node("Erf", [scaled], at: path)
            let shifted = node("Add", [error, number(1)], at: path)
            let product = node("Mul", [value, shifted], at: path)
            return node("Mul", [product, number(0.5)], at: path)
        case .geluTanh:
            let square = node("Mul", [value, value], at: path)
            let cube = node("Mul", [square, value], at: path)
            let small = node("Mul", [cube, number(0.044715)], at: path)
            let sum = node("Add", [value, small], at: path)
            let factor = number(Float((2 / Double.pi).squareRoot()))
            let argument = node("Mul", [sum, factor], at: path)
            let tangent = node("Tanh", [argument], at: path)
            let shifted = node("Add", [tangent, number(1)], at: path)
            let half = node("Mul", [value, number(0.5)], at: path)
            return node("Mul", [half, shifted], at: path)
        }
    }
}
