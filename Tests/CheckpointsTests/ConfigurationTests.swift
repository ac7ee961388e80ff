import Bert
import Checkpoints
import Diagnostics
import Testing

/// The members of the sample's `config.json`, some replaced or, with nil, taken out.
private func configuration(
    _ changes: [String: JSONValue?] = [:]
) throws(Failure) -> BertConfigurationFile {
    guard case .object(var members) = sampleConfiguration.json else {
        throw Failure(.badData, "sample", "not an object")
    }
    for (key, value) in changes { members[key] = value }
    return try BertConfigurationFile(
        bytes: Array(JSONValue.object(members).text().utf8),
        source: "config.json"
    )
}

private func heads(_ numbers: Int...) -> JSONValue {
    .array(numbers.map(JSONValue.integer))
}

@Suite struct `Configurations` {
    @Test func `a configuration reads back as it was written`() throws {
        let file = try configuration()
        #expect(file.configuration == sampleConfiguration)
        #expect(file.architectures == ["BertForSequenceClassification"])
        #expect(file.assumptions == [])
        let text = sampleConfiguration.json.text()
        #expect(text.contains("\"layer_norm_eps\": 1e-12,"))
        #expect(text.contains("\"dtype\": \"float32\",") && text.contains("\"torch_dtype\""))
        #expect(file.configuration.json.text() == text)
    }

    @Test func `pruned heads are read and written, and none is as if nothing were said`() throws {
        var pruned = sampleConfiguration
        pruned.prunedHeads = [0: [0, 2], 1: [1]]
        let text = pruned.json.text()
        #expect(text.contains("\"pruned_heads\": {"))
        guard case .object(let members) = pruned.json else { preconditionFailure("no object") }
        #expect(members["pruned_heads"] == .object(["0": heads(0, 2), "1": heads(1)]))
        let read = try BertConfigurationFile(bytes: Array(text.utf8), source: "x").configuration
        #expect(read == pruned && read.json.text() == text)
        #expect((0..<2).map(read.headCount(ofLayer:)) == [1, 2])
        #expect((0..<2).map(read.attentionWidth(ofLayer:)) == [4, 8])
        #expect(read.heads(ofLayer: 0) == [1] && read.heads(ofLayer: 1) == [0, 2])
        for none: JSONValue in [.null, .object([:]), .object(["0": .array([])])] {
            let file = try configuration(["pruned_heads": none])
            #expect(file.configuration == sampleConfiguration)
        }
        #expect(!sampleConfiguration.json.text().contains("pruned_heads"))
    }

    @Test func `layers that are kept keep their heads`() {
        var pruned = sampleConfiguration
        pruned.hiddenLayerCount = 4
        pruned.prunedHeads = [0: [2], 2: [0, 1]]
        pruned.keep(layers: [1, 2, 3])
        #expect(pruned.hiddenLayerCount == 3)
        #expect(pruned.prunedHeads == [1: [0, 1]])
        pruned.keep(heads: [[0, 1, 2], [2], [1]])
        #expect(pruned.prunedHeads == [1: [0, 1], 2: [0, 2]])
    }

    @Test func `every key the readers of other programs need is written`() {
        guard case .object(let members) = sampleConfiguration.json else {
            Issue.record("not an object")
            return
        }
        for key in [
            "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads",
            "intermediate_size", "hidden_act", "hidden_dropout_prob", "max_position_embeddings",
            "type_vocab_size", "initializer_range", "layer_norm_eps", "pad_token_id",
            "attention_probs_dropout_prob", "model_type", "id2label", "label2id", "problem_type",
        ] {
            #expect(members[key] != nil, "\(key)")
        }
    }

    @Test func `two default labels may be left out, others not`() throws {
        let none: [String: JSONValue?] = ["id2label": nil, "label2id": nil]
        #expect(try configuration(none).configuration.labels == ["LABEL_0", "LABEL_1"])
        let five = none.merging(["num_labels": .integer(5)]) { $1 }
        #expect(try configuration(five).configuration.labels.count == 5)
        let one = none.merging(["num_labels": .integer(1), "problem_type": .null]) { $1 }
        #expect(try configuration(one).configuration.problemType == .regression)
    }

    @Test func `labels are in the order of their numbers, not of the file`() throws {
        let many = (0..<12).map { "label \(11 - $0)" }
        var changed = sampleConfiguration
        changed.labels = many
        let bytes = Array(changed.json.text().utf8)
        let file = try BertConfigurationFile(bytes: bytes, source: "x")
        #expect(file.configuration.labels == many)
    }

    @Test func `the name of the tanh GELU is remembered, and written as TensorFlow knows it`()
        throws
    {
        let file = try configuration(["hidden_act": .string("gelu_pytorch_tanh")])
        #expect(file.configuration.activation == .geluTanh(name: "gelu_pytorch_tanh"))
        #expect(file.configuration.activation.name == "gelu_pytorch_tanh")
        #expect(file.configuration.json.text().contains("\"hidden_act\": \"gelu_new\""))
    }

    @Test func `unknown keys are kept for inspection and not written`() throws {
        let file = try configuration(["emb_size": .integer(312), "cell": .object([:])])
        #expect(file.configuration.raw == ["emb_size": .integer(312), "cell": .object([:])])
        #expect(!file.configuration.json.text().contains("emb_size"))
    }

    @Test func `what Hugging Face leaves out is assumed aloud`() throws {
        let file = try configuration(["hidden_dropout_prob": nil, "layer_norm_eps": nil])
        #expect(
            file.assumptions == [
                "\"layer_norm_eps\" is not given: 1e-12 is assumed",
                "\"hidden_dropout_prob\" is not given: 0.1 is assumed",
            ]
        )
        #expect(file.configuration.layerNormEpsilon == 1e-12)
    }

    @Test(
        arguments: [
            "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
            "vocab_size", "max_position_embeddings", "type_vocab_size", "hidden_act",
        ]
    ) func `a number that decides the result has no default`(key: String) throws {
        let absent = try failure { _ = try configuration([key: nil]) }
        #expect(absent.reason == "there is no \"\(key)\"")
        #expect(absent.subject == "config.json")
        let null = try failure { _ = try configuration([key: .null]) }
        #expect(null.reason == absent.reason)
        let wrong = try failure { _ = try configuration([key: .array([])]) }
        #expect(wrong.reason.contains("\"\(key)\" must be"))
        #expect(wrong.reason.contains("is a list"))
    }

    @Test(
        arguments: [
            ("hidden_size", .integer(13), "13 is not a multiple of \"num_attention_heads\" 3"),
            ("hidden_size", .integer(0), "must be from 1"),
            ("hidden_size", .number(12.5), "must be a whole number and is 12.5"),
            ("hidden_size", .string("12"), "is the text \"12\""),
            ("num_hidden_layers", .integer(1_000_000_000), "must be from 1 to 1000"),
            ("num_hidden_layers", .integer(-1), "is -1"),
            ("vocab_size", .integer(.max), "must be from 1"),
            ("layer_norm_eps", .integer(0), "must be from"),
            ("hidden_dropout_prob", .integer(1), "everything is dropped"),
            ("hidden_dropout_prob", .number(-0.1), "must be from 0"),
            ("pad_token_id", .integer(17), "must be from 0 to 16"),
            ("hidden_act", .string("swish"), "\"swish\"; BertKit computes gelu"),
            ("model_type", .string("gpt2"), "\"gpt2\"; BertKit knows bert, distilbert, roberta"),
            ("position_embedding_type", .string("relative_key"), "not \"absolute\""),
            ("is_decoder", .bool(true), "not an encoder"),
            ("pruned_heads", .array([]), "must be an object with a list of heads for a layer and"),
            ("pruned_heads", .object(["2": .array([])]), "key \"2\", and the layers are 0 to 1"),
            ("pruned_heads", .object(["+1": .array([])]), "key \"+1\", and the layers are 0 to 1"),
            ("pruned_heads", .object(["0": .null]), "a list of heads for layer 0 and has null"),
            ("pruned_heads", .object(["0": heads(3)]), "heads from 0 to 2 for layer 0 and has 3"),
            ("pruned_heads", .object(["0": heads(-1)]), "heads from 0 to 2 for layer 0 and has -1"),
            ("pruned_heads", .object(["1": heads(2, 0, 2)]), "lists head 2 of layer 1 twice"),
            (
                "pruned_heads", .object(["1": heads(2, 0, 1)]),
                "leave layer 1 a head and lists all 3"
            ),
            ("problem_type", .string("multi_label_classification"), "BertKit knows"),
            ("problem_type", .string("regression"), "there are 3 labels"),
            ("num_labels", .integer(2), "there are 3 labels"),
            ("id2label", .object(["0": .string("a"), "2": .string("b")]), "has the key \"2\""),
            ("id2label", .object(["0": .string("a"), "01": .string("b")]), "has the key \"01\""),
            ("id2label", .object(["0": .string("a"), "1": .string("a")]), "same label twice"),
            ("id2label", .object(["0": .integer(1)]), "not text"),
            ("id2label", .object(["0": .string("a")]), "contradict each other"),
            ("label2id", .object(["a": .integer(0), "b": .integer(0)]), "does not number"),
            ("label2id", .string("a"), "must be an object"),
        ] as [(String, JSONValue, String)]
    ) func `a value that cannot be is refused by its key`(
        key: String,
        value: JSONValue,
        phrase: String
    ) throws {
        let failure = try failure { _ = try configuration([key: value]) }
        #expect(failure.reason.contains(phrase), "\(failure.reason)")
        #expect(failure.kind == .badData)
    }

    @Test func `a duplicate key and a Keras configuration have their own sentences`() throws {
        let duplicate = try failure {
            _ = try BertConfigurationFile(
                bytes: Array("{\"hidden_size\": 1,\n\"hidden_size\": 2}".utf8),
                source: "x"
            )
        }
        #expect(duplicate.reason.contains("the key \"hidden_size\" a second time on line 2"))
        let keras = try failure {
            _ = try BertConfigurationFile(
                bytes: Array("{\"registered_name\": \"keras_hub>BertBackbone\"}".utf8),
                source: "x"
            )
        }
        #expect(keras.reason == "this is a Keras configuration, not Hugging Face's")
    }
}
