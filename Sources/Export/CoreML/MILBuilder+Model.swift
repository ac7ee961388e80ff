import Bert
import Tensors

extension MILBuilder {
    /// The whole model under the names that the ONNX graph has, too.
    ///
    /// - Precondition: the head is one of `GraphBuilder.heads`.
    mutating func model() {
        let ids = input("input_ids")
        let mask = input("attention_mask")
        let hasTypes = configuration.hasTokenTypes && configuration.family != .roberta
        let types = hasTypes ? input("token_type_ids") : nil
        var hidden = embeddings(ids, types)
        if configuration.embeddingSize != configuration.hiddenSize {
            hidden = linear("embeddings_project", hidden)
        }
        let additive = additiveMask(mask)
        for layer in 0..<configuration.hiddenLayerCount {
            hidden = self.layer(layer, hidden, additive)
        }
        switch configuration.head {
        case .none: output(hidden, as: "last_hidden_state")
        case .sequenceClassification:
            let first = slice(hidden, axis: 1, at: 0)
            output(linear("classifier", pooler(first)), as: "logits")
        case .tokenClassification: output(linear("classifier", hidden), as: "logits")
        case .questionAnswering:
            let logits = linear("qa_outputs", hidden)
            for (column, name) in ["start_logits", "end_logits"].enumerated() {
                output(slice(logits, axis: 2, at: column), as: name)
            }
        case .maskedLanguageModel: output(predictions(hidden), as: "logits")
        case .preTraining, .nextSentence, .multipleChoice, .replacedTokenDetection:
            preconditionFailure("no program of a \(configuration.head.phrase)")
        }
    }

    // MARK: The encoder

    private mutating func embeddings(_ ids: Value, _ types: Value?) -> Value {
        var sum = gather(parameter("embeddings.word_embeddings.weight"), ids)
        if configuration.hasTokenTypes {
            let table = parameter("embeddings.token_type_embeddings.weight")
            // RoBERTa has one type for everything.
            let rows = types.map { gather(table, $0) } ?? slice(table, axis: 0, at: 0)
            sum = self.sum(sum, rows)
        }
        sum = self.sum(sum, positions(ids))
        return layerNorm("embeddings.LayerNorm", sum)
    }

    /// Rows of the position embeddings: the first ones, or, in RoBERTa, those behind the padding piece's
    /// number for every piece that is not padding.
    private mutating func positions(_ ids: Value) -> Value {
        let table = parameter("embeddings.position_embeddings.weight")
        if configuration.family == .roberta {
            let isPiece = call(
                "not_equal",
                ids.type.dimensions,
                of: .bool,
                [("x", ids)],
                [("y", .integer(configuration.padTokenID))]
            )
            let ones = call(
                "cast",
                ids.type.dimensions,
                of: .int32,
                [("x", isPiece)],
                [("dtype", .text("int32"))]
            )
            let counts = call(
                "cumsum",
                ids.type.dimensions,
                of: .int32,
                [("x", ones)],
                [("axis", .integer(1)), ("exclusive", .bool(false)), ("reverse", .bool(false))]
            )
            let numbers = call(
                "mul",
                ids.type.dimensions,
                of: .int32,
                [("x", counts), ("y", ones)]
            )
            let rows = call(
                "add",
                ids.type.dimensions,
                of: .int32,
                [("x", numbers)],
                [("y", .integer(configuration.padTokenID))]
            )
            return gather(table, rows)
        }
        if let length {
            return call(
                "slice_by_index",
                [length, table.type.dimensions[1]],
                [("x", table)],
                [
                    ("begin", .integers([0, 0])),
                    ("end", .integers([length, configuration.embeddingSize])),
                ]
            )
        }
        let sizes = call("shape", [2], of: .int32, [("x", ids)])
        let count = slice(sizes, axis: 0, at: 1)
        let rows = call(
            "range_1d",
            [nil],
            of: .int32,
            [("end", count)],
            [("start", .integer(0)), ("step", .integer(1))]
        )
        return gather(table, rows)
    }

    /// 0 where a token is and a number that no score reaches where padding is, `[1, 1, 1, S]`. It is finite:
    /// an infinite one is no number in half precision once a row is padding alone.
    private mutating func additiveMask(_ mask: Value) -> Value {
        let name = type == .float16 ? "fp16" : "fp32"
        let dimensions = mask.type.dimensions
        let real = call("cast", dimensions, [("x", mask)], [("dtype", .text(name))])
        let inverse = call("sub", dimensions, [("y", real)], [("x", number(1))])
        let scaled = call("mul", dimensions, [("x", inverse)], [("y", number(-10000))])
        return call(
            "expand_dims",
            [1, 1, 1, length],
            [("x", scaled)],
            [("axes", .integers([1, 2]))]
        )
    }

    private mutating func layer(_ index: Int, _ hidden: Value, _ mask: Value) -> Value {
        let name = "encoder.layer.\(index)"
        let context = attention(index, hidden, mask)
        let projected = linear(name + ".attention.output.dense", context)
        let middle = layerNorm(name + ".attention.output.LayerNorm", sum(projected, hidden))
        let inner = linear(name + ".intermediate.dense", middle)
        let outer = linear(name + ".output.dense", activation(configuration.activation, inner))
        return layerNorm(name + ".output.LayerNorm", sum(outer, middle))
    }

    /// softmax(Q Kᵀ / √D + mask) V for every head, the heads side by side again.
    private mutating func attention(_ layer: Int, _ hidden: Value, _ mask: Value) -> Value {
        let (heads, width) = (configuration.headCount(ofLayer: layer), configuration.headSize)
        let parts = ["query", "key", "value"].map { part in
            let all = linear("encoder.layer.\(layer).attention.self.\(part)", hidden)
            let split = call(
                "reshape",
                [1, length, heads, width],
                [("x", all)],
                [("shape", .integers([1, length ?? -1, heads, width]))]
            )
            return transposed(split, [1, heads, length, width])
        }
        let products = product(
            parts[0],
            parts[1],
            [1, heads, length, length],
            transposesSecond: true
        )
        let scores = call(
            "mul",
            products.type.dimensions,
            [("x", products)],
            [("y", number(1 / Float(width).squareRoot()))]
        )
        let masked = sum(scores, mask)
        let shares = call(
            "softmax",
            masked.type.dimensions,
            [("x", masked)],
            [("axis", .integer(-1))]
        )
        let mixed = product(shares, parts[2], [1, heads, length, width], transposesSecond: false)
        let back = transposed(mixed, [1, length, heads, width])
        return call(
            "reshape",
            [1, length, heads * width],
            [("x", back)],
            [("shape", .integers([1, length ?? -1, heads * width]))]
        )
    }

    /// The second and third axis exchanged.
    private mutating func transposed(_ x: Value, _ dimensions: [Int?]) -> Value {
        call("transpose", dimensions, [("x", x)], [("perm", .integers([0, 2, 1, 3]))])
    }

    private mutating func product(
        _ x: Value,
        _ y: Value,
        _ dimensions: [Int?],
        transposesSecond: Bool
    ) -> Value {
        call(
            "matmul",
            dimensions,
            [("x", x), ("y", y)],
            [("transpose_x", .bool(false)), ("transpose_y", .bool(transposesSecond))]
        )
    }

    /// One place of an axis, which is gone afterwards.
    private mutating func slice(_ x: Value, axis: Int, at index: Int) -> Value {
        let rank = x.type.dimensions.count
        func marked(_ isMarked: (Int) -> Bool) -> [Bool] { (0..<rank).map(isMarked) }
        var dimensions = x.type.dimensions
        dimensions.remove(at: axis)
        var (begin, end) = ([Int](repeating: 0, count: rank), [Int](repeating: 0, count: rank))
        (begin[axis], end[axis]) = (index, index + 1)
        return call(
            "slice_by_index",
            dimensions,
            of: x.type.data,
            [("x", x)],
            [
                ("begin", .integers(begin)), ("end", .integers(end)),
                ("begin_mask", .bools(marked { $0 != axis })),
                ("end_mask", .bools(marked { $0 != axis })),
                ("squeeze_mask", .bools(marked { $0 == axis })),
            ]
        )
    }

    // MARK: Heads

    private mutating func pooler(_ first: Value) -> Value {
        let dense = linear("pooler.dense", first)
        return switch configuration.poolerActivation {
        case .tanh: call("tanh", dense.type.dimensions, [("x", dense)])
        case .relu: activation(.relu, dense)
        case .gelu: activation(.gelu, dense)
        }
    }

    /// The logits of every piece of the vocabulary; the decoder is the table of word embeddings.
    private mutating func predictions(_ hidden: Value) -> Value {
        let name = "cls.predictions"
        let dense = linear(name + ".transform.dense", hidden)
        let active = activation(configuration.predictionActivation, dense)
        let normal = layerNorm(
            name + ".transform.LayerNorm",
            active,
            epsilon: configuration.predictionEpsilon
        )
        return linear(name, normal, weight: "embeddings.word_embeddings.weight")
    }
}
