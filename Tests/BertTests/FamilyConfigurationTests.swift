import Bert
import Checkpoints
import Diagnostics
import Tensors
import Testing

/// The members of a configuration as the library writes it, some replaced or, with nil, taken out.
private func read(
    _ key: String,
    _ changes: [String: JSONValue?] = [:]
) throws -> BertConfigurationFile {
    guard case .object(var members) = try HeadGolden.configuration(key).configuration.json else {
        throw Failure(.badData, key, "not an object")
    }
    for (key, value) in changes { members[key] = value }
    return try BertConfigurationFile(
        bytes: Array(JSONValue.object(members).text().utf8),
        source: "config.json"
    )
}

private let written = HeadGolden.all.map { "\($0.name)/\($0.head.rawValue)" }
private let otherNames = ["xlm-roberta/maskedLanguageModel", "camembert/maskedLanguageModel"]

@Suite("Configurations of every family")
struct FamilyConfigurationTests {
    @Test(arguments: HeadGolden.all)
    func `the library's own files say family, head and sizes`(_ name: String, _ head: Head) throws {
        let file = try HeadGolden.configuration("\(name)/\(head.rawValue)")
        let configuration = file.configuration
        #expect(file.namedHead == Optional(head))
        #expect(configuration.head == head)
        #expect(name.hasPrefix(configuration.modelType.rawValue))
        #expect(configuration.hiddenSize == 12 && configuration.hiddenLayerCount == 2)
        #expect(configuration.attentionHeadCount == 3 && configuration.intermediateSize == 20)
        #expect(configuration.vocabularySize == 40 && configuration.longestSequence == 17)
        #expect(configuration.embeddingSize == (name == HeadGolden.projected ? 10 : 12))
        #expect(file.assumptions == [] && configuration.raw == [:])
        let types = ["distilbert": 0, "roberta": 1]
        #expect(configuration.tokenTypeCount == types[name] ?? 2)
        #expect(configuration.firstPosition == (name == "roberta" ? 2 : 0))
        if head.hasLabels {
            #expect(configuration.labels == ["sky", "sea", "soil", "stone", "sand"])
        }
    }

    @Test(arguments: written + otherNames)
    func `what is written reads back, with every key of the library's`(_ key: String) throws {
        let configuration = try HeadGolden.configuration(key).configuration
        let again = try read(key)
        #expect(again.configuration == configuration)
        #expect(again.assumptions == [])
        guard case .object(let members) = configuration.json,
            case .object(let own) = try HeadGolden.members(key)
        else {
            Issue.record("not an object")
            return
        }
        for (name, value) in own {
            #expect(members[name]?.text() == value.text(), "\(name)")
        }
        for name in ["dtype", "torch_dtype", "tie_word_embeddings"] {
            #expect(members[name] != nil, "\(name)")
        }
    }

    @Test func `the other names of RoBERTa's family are kept`() throws {
        let (xlm, camembert) = (try read(otherNames[0]), try read(otherNames[1]))
        #expect(xlm.configuration.modelType == .xlmRoberta)
        #expect(camembert.configuration.modelType == .camembert)
        #expect(xlm.architectures == ["XLMRobertaForMaskedLM"])
        #expect(camembert.architectures == ["CamembertForMaskedLM"])
        for file in [xlm, camembert] {
            #expect(file.configuration.family == .roberta)
            #expect(file.configuration.bosTokenID == 0 && file.configuration.eosTokenID == 2)
        }
    }

    @Test func `the element type of the weights is written twice`() throws {
        let configuration = try read("distilbert/none").configuration
        for (type, name) in [
            (ElementType.float16, "float16"), (.bfloat16, "bfloat16"), (.float64, "float64"),
        ] {
            let text = configuration.json(elementType: type).text()
            #expect(text.contains("\"dtype\": \"\(name)\""))
            #expect(text.contains("\"torch_dtype\": \"\(name)\""))
        }
        #expect(configuration.json.text().contains("\"dtype\": \"float32\""))
    }

    @Test(
        arguments: [
            ("bert/none", "TinyBertForSequenceClassification", Head.sequenceClassification),
            ("bert/none", "TFBertForTokenClassification", .tokenClassification),
            ("electra/none", "ElectraForPreTraining", .replacedTokenDetection),
            ("bert/none", "BertForPreTraining", .preTraining),
            ("roberta/none", "RobertaModel", Head.none),
        ]
    ) func `a class names a head by its ending`(_ key: String, _ name: String, _ head: Head) throws
    {
        let file = try read(key, ["architectures": .array([.string(name)])])
        #expect(file.namedHead == Optional(head))
        #expect(file.configuration.head == head)
    }

    @Test(arguments: ["BertLMHeadModel", "BertForIntents", ""])
    func `a class that is none of the library's names no head`(_ name: String) throws {
        let file = try read("bert/none", ["architectures": .array([.string(name)])])
        #expect(file.namedHead == nil)
        #expect(file.configuration.head == .sequenceClassification)
        #expect(try read("bert/none", ["architectures": nil]).namedHead == nil)
    }

    @Test func `TinyBERT's own keys are listed and change nothing`() throws {
        let own: [String: JSONValue] = [
            "cell": .object([:]), "emb_size": .integer(312), "structure": .array([]),
            "pre_trained": .string(""),
        ]
        let file = try read("bert/maskedLanguageModel", own.mapValues { Optional($0) })
        #expect(file.configuration.raw == own)
        var configuration = file.configuration
        configuration.raw = [:]
        #expect(try configuration == read("bert/maskedLanguageModel").configuration)
    }

    @Test func `what DistilBERT leaves out is assumed aloud`() throws {
        let file = try read(
            "distilbert/sequenceClassification",
            ["seq_classif_dropout": nil, "qa_dropout": nil, "pad_token_id": nil]
        )
        #expect(file.configuration.classifierDropout == 0.2)
        #expect(file.configuration.layerNormEpsilon == 1e-12)
        #expect(
            file.assumptions == [
                "\"seq_classif_dropout\" is not given: 0.2 is assumed",
                "\"qa_dropout\" is not given: 0.1 is assumed",
                "\"pad_token_id\" is not given: 0 is assumed",
            ]
        )
        let roberta = try read("roberta/none", ["pad_token_id": nil])
        #expect(roberta.configuration.firstPosition == 2)
        #expect(roberta.assumptions == ["\"pad_token_id\" is not given: 1 is assumed"])
    }

    @Test(
        arguments: ["dim", "n_layers", "n_heads", "hidden_dim", "activation", "vocab_size"].map {
            ("distilbert", $0)
        } + [("electra", "embedding_size"), ("roberta", "type_vocab_size")]
    ) func `a number that decides the result has no default`(_ name: String, _ key: String) throws {
        let failure = #expect(throws: Failure.self) { try read("\(name)/none", [key: nil]) }
        #expect(failure?.reason == "there is no \"\(key)\"")
        let wrong = #expect(throws: Failure.self) {
            try read("\(name)/none", [key: .object([:])])
        }
        #expect(wrong?.reason.contains("\"\(key)\" must be") ?? false)
    }

    @Test(
        arguments: [
            ("distilbert/none", "dim", .integer(13), "13 is not a multiple of \"n_heads\" 3"),
            ("distilbert/none", "dropout", .integer(1), "\"dropout\" is 1: everything is dropped"),
            ("distilbert/none", "activation", .string("silu"), "\"activation\" is \"silu\""),
            ("roberta/none", "max_position_embeddings", .integer(2), "leaves no position"),
            ("roberta/none", "pad_token_id", .integer(40), "must be from 0 to 39"),
            ("electra/none", "embedding_size", .integer(0), "must be from 1"),
            ("electra/multipleChoice", "summary_type", .string("mean"), "the text \"mean\", not"),
            ("electra/multipleChoice", "summary_use_proj", .bool(false), "is false, not true"),
            ("bert/maskedLanguageModel", "tie_word_embeddings", .bool(false), "of its own"),
            (
                "roberta/none", "architectures",
                .array([.string("RobertaForNextSentencePrediction")]),
                "no roberta model has a next-sentence head"
            ),
            ("bert/none", "model_type", .string("albert"), "\"albert\"; BertKit knows bert"),
            (
                "bert/questionAnswering", "id2label",
                .object(["0": .string("a"), "1": .string("b"), "2": .string("c")]),
                "there are 3 labels, and the outputs of a question-answering head are two"
            ),
        ] as [(String, String, JSONValue, String)]
    ) func `a value that cannot be is refused by its key`(
        _ file: String,
        _ key: String,
        _ value: JSONValue,
        _ phrase: String
    ) throws {
        let failure = #expect(throws: Failure.self) { try read(file, [key: value]) }
        #expect(failure?.reason.contains(phrase) ?? false, "\(failure?.reason ?? "read")")
        #expect(failure?.kind == .badData)
    }

    @Test func `values that matter to other heads alone are no reason to refuse`() throws {
        for (file, key, value) in [
            ("electra/none", "summary_type", .string("mean")),
            ("bert/sequenceClassification", "tie_word_embeddings", .bool(false)),
            ("bert/tokenClassification", "problem_type", .string("regression")),
            ("bert/none", "eos_token_id", .array([.integer(1)])),
        ] as [(String, String, JSONValue)] {
            let changed = try read(file, [key: value]).configuration
            #expect(try changed == read(file).configuration, "\(key)")
        }
    }

    @Test func `the embeddings' width follows the hidden size unless it is given`() throws {
        var configuration = try read("bert/none").configuration
        configuration.hiddenSize = 24
        #expect(configuration.embeddingSize == 24)
        configuration.embeddingSize = 8
        let shapes = BertParameters<Shape>(configuration)
        #expect(shapes.embeddingsProject?.weight == [24, 8])
        #expect(shapes.embeddings.wordEmbeddings.weight == [40, 8])
        configuration.embeddingSize = 24
        #expect(BertParameters<Shape>(configuration).embeddingsProject == nil)
    }
}
