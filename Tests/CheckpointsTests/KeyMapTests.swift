import Bert
import Checkpoints
import Diagnostics
import Kernels
import Tensors
import Testing

@Suite struct `Key maps` {
    let map = HuggingFaceTensorFlow.keyMap(sampleConfiguration)
    let specification = BertParameters<Shape>(sampleConfiguration).leaves
    let parameters = sampleParameters(sampleConfiguration)

    /// What a file written with the map holds.
    var store: SampleStore {
        let leaves = Dictionary(
            uniqueKeysWithValues: parameters.leaves.map { ($0.name, $0.leaf) }
        )
        return SampleStore(
            tensors: map.rows.compactMap { row in
                leaves[row.canonical].map { (row.stored, row.transform.stored($0)) }
            }
        )
    }

    @Test func `the map names every parameter once`() {
        #expect(Set(map.rows.map(\.canonical)) == Set(specification.map(\.name)))
        #expect(map.rows.count == 5 + 16 * 2 + 2 + 2)
        #expect(Set(map.rows.map(\.stored)).count == map.rows.count)
    }

    @Test func `names and order are those of the reference library`() {
        let layers = HuggingFaceTensorFlow.layers(sampleConfiguration)
        #expect(layers.map(\.name) == ["bert", "classifier"])
        #expect(layers.flatMap(\.storedNames) == map.rows.map(\.stored))
        let model = "tf_bert_for_sequence_classification"
        #expect(
            layers[0].weightNames.prefix(8) == [
                "\(model)/bert/embeddings/word_embeddings/weight:0",
                "\(model)/bert/embeddings/token_type_embeddings/embeddings:0",
                "\(model)/bert/embeddings/position_embeddings/embeddings:0",
                "\(model)/bert/embeddings/LayerNorm/gamma:0",
                "\(model)/bert/embeddings/LayerNorm/beta:0",
                "\(model)/bert/encoder/layer_._0/attention/self/query/kernel:0",
                "\(model)/bert/encoder/layer_._0/attention/self/query/bias:0",
                "\(model)/bert/encoder/layer_._0/attention/self/key/kernel:0",
            ]
        )
        #expect(
            layers[1].weightNames == [
                "\(model)/classifier/kernel:0", "\(model)/classifier/bias:0",
            ]
        )
    }

    private func collect(from store: any TensorStore) throws(Failure) -> [String: Tensor] {
        let buffers = specification.map { FloatBuffer(count: $0.leaf.count) }
        try map.read(
            specification,
            from: store,
            into: zip(specification, buffers).map {
                UnsafeMutableBufferPointer(start: $1.base, count: $0.leaf.count)
            }
        )
        let tensors = zip(specification, buffers).map { wanted, buffer in
            let values = UnsafeBufferPointer(start: buffer.base, count: wanted.leaf.count)
            return (wanted.name, Tensor(shape: wanted.leaf, values: Array(values)))
        }
        return Dictionary(uniqueKeysWithValues: tensors)
    }

    @Test func `forwards and backwards is the identity`() throws {
        let collected = try collect(from: store)
        #expect(collected.count == specification.count)
        for (name, tensor) in parameters.leaves {
            #expect(collected[name] == tensor)
        }
    }

    @Test func `a matrix is stored as its transpose, a table is not`() throws {
        let entries = Dictionary(uniqueKeysWithValues: store.entries.map { ($0.name, $0.shape) })
        let prefix = "bert/tf_bert_for_sequence_classification/bert/"
        #expect(entries[prefix + "encoder/layer_._1/intermediate/dense/kernel:0"] == [12, 20])
        #expect(entries[prefix + "encoder/layer_._1/output/dense/kernel:0"] == [20, 12])
        #expect(entries[prefix + "embeddings/word_embeddings/weight:0"] == [17, 12])
        let query = parameters.encoder.layer[1].attention.selfAttention.query.weight
        let stored = try store.tensor(
            named: prefix + "encoder/layer_._1/attention/self/query/kernel:0"
        )
        #expect(stored.values[1] == query.values[12])
        #expect(stored.values != query.values)
    }

    @Test func `everything wrong with the tensors is one failure that names all of it`() throws {
        var bad = store
        let prefix = "bert/tf_bert_for_sequence_classification/bert/"
        func index(_ name: String) throws -> Int {
            try #require(bad.tensors.firstIndex { $0.name.hasSuffix(name) })
        }
        bad.tensors.remove(at: try index("pooler/dense/bias:0"))
        bad.tensors.remove(at: try index("layer_._1/output/dense/bias:0"))
        bad.tensors.append(("bert/x/extra:0", Tensor(repeating: 0, shape: [3])))
        let transposed = try index("layer_._0/intermediate/dense/kernel:0")
        bad.tensors[transposed].tensor = bad.tensors[transposed].tensor.transposed()
        let short = try index("layer_._0/output/dense/bias:0")
        bad.tensors[short].tensor = Tensor(repeating: 0, shape: [5])
        let nan = try index("position_embeddings/embeddings:0")
        var values = bad.tensors[nan].tensor.values
        values[2 * 12 + 5] = .nan
        bad.tensors[nan].tensor = Tensor(shape: [11, 12], values: values)
        let infinite = try index("classifier/bias:0")
        bad.tensors[infinite].tensor = Tensor(shape: [3], values: [0, 0, -.infinity])
        let whole = try index("embeddings/LayerNorm/beta:0")
        bad.elementTypes[bad.tensors[whole].name] = .int64

        let failure = try failure { [bad] in _ = try collect(from: bad) }
        #expect(failure.kind == .badData)
        #expect(failure.subject == "sample.h5")
        for phrase in [
            "2 missing: encoder.layer.1.output.dense.bias (stored as "
                + prefix + "encoder/layer_._1/output/dense/bias:0), pooler.dense.bias",
            "1 unexpected: bert/x/extra:0 [3]",
            "2 of another shape: ",
            "layer_._0/intermediate/dense/kernel:0 is [20, 12], must be [12, 20] "
                + "(it is transposed)",
            "layer_._0/output/dense/bias:0 is [5], must be [12]",
            "1 not of a float type: \(prefix)embeddings/LayerNorm/beta:0 is i64",
            "2 with values that are not finite: ",
            "position_embeddings/embeddings:0 at [2, 5] is nan",
            "classifier/bias:0 at [2] is -inf",
        ] {
            #expect(failure.reason.contains(phrase), "\(failure.reason)")
        }
    }

    @Test func `the first value that is not finite is found wherever it is`() {
        for count in [1, 7, 64, 1000] {
            for position in [0, count / 2, count - 1] {
                for value in [Float.nan, .infinity, -.infinity] {
                    var tensor = Tensor(repeating: .greatestFiniteMagnitude, shape: [count])
                    #expect(tensor.firstNonFiniteIndex == nil)
                    tensor.values[position] = value
                    #expect(tensor.firstNonFiniteIndex == position)
                }
            }
        }
    }

    @Test func `leaves come in model order under canonical names`() {
        #expect(
            specification.prefix(7).map(\.name) == [
                "embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight",
                "embeddings.token_type_embeddings.weight", "embeddings.LayerNorm.weight",
                "embeddings.LayerNorm.bias", "encoder.layer.0.attention.self.query.weight",
                "encoder.layer.0.attention.self.query.bias",
            ]
        )
        #expect(
            specification.suffix(4).map(\.name) == [
                "pooler.dense.weight", "pooler.dense.bias", "classifier.weight", "classifier.bias",
            ]
        )
        // The papers' formula, without a task head.
        let (v, p, t, d, f, l) = (17, 11, 2, 12, 20, 2)
        let layer = 4 * (d * d + d) + 2 * 2 * d + d * f + f + f * d + d
        let expected = (v + p + t) * d + 2 * d + l * layer + d * d + d
        var headless = sampleConfiguration
        headless.head = .none
        #expect(BertParameters<Shape>(headless).leaves.reduce(0) { $0 + $1.leaf.count } == expected)
    }
}
