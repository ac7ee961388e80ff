import Augmentation
import Bert
import Diagnostics
import Distillation
import Testing
import Training

@Suite struct RecipeTests {
    private static let teacher = LayerGolden.sized(hidden: 24, layers: 6, heads: 4)
    private static let student = LayerGolden.sized(hidden: 12, layers: 4, heads: 4)

    private func resolve(
        _ recipe: Recipe,
        student: BertConfiguration = student,
        teacher: BertConfiguration = teacher,
        general: BertConfiguration? = nil,
        hasText: Bool = false
    ) throws -> Recipe {
        try recipe.resolved(
            student: student,
            teacher: teacher,
            general: general,
            hasText: hasText
        )
    }

    /// A masked language model of the teacher's sizes.
    private static var general: BertConfiguration {
        var configuration = teacher
        configuration.head = .maskedLanguageModel
        return configuration
    }

    private func stage(_ objectives: RecipeObjective...) -> Recipe {
        Recipe(name: "own", stages: [RecipeStage(name: "only", objectives: objectives)])
    }

    private func changed(
        _ kind: RecipeObjective.Kind,
        _ change: (inout RecipeObjective) -> Void
    ) -> RecipeObjective {
        var objective = RecipeObjective(kind)
        change(&objective)
        return objective
    }

    @Test(arguments: Recipe.names, [false, true])
    func `every recipe is settled for models that it can have`(_ name: String, text: Bool) throws {
        let recipe = try #require(Recipe.named(name, text: text))
        // These compare hidden states as they are.
        let student =
            ["pkd", "distilbert"].contains(name)
            ? LayerGolden.sized(hidden: 24, layers: 4, heads: 4) : Self.student
        let general = name == "distilbert" ? Self.general : nil
        // DistilBERT's first stage is of plain text, with or without.
        if name == "distilbert", !text { return }
        let settled = try resolve(recipe, student: student, general: general, hasText: text)
        #expect(settled.name == name)
        #expect(settled.stages.map(\.name) == recipe.stages.map(\.name))
        for stage in settled.stages {
            #expect(!stage.objectives.contains { $0.relationHeads == 0 || $0.teacherLayer == 0 })
        }
        #expect(settled.stages.last?.prediction != nil)
        // TinyBERT's phases are never summed.
        if name == "tinybert" {
            #expect(settled.stages.count == (text ? 3 : 2))
            #expect(settled.stages.dropLast().allSatisfy { $0.prediction == nil })
            #expect(settled.stages.last?.objectives.count == 1)
        }
        let table = try settled.layerTable(student: student, teacher: Self.teacher)
        #expect(table.rows.count >= settled.stages.flatMap(\.objectives).count)
    }

    @Test func `the published settings are the defaults`() throws {
        let tiny = try #require(Recipe.named("tinybert", text: true)).stages
        #expect(tiny.map(\.name) == ["general", "intermediate", "prediction"])
        #expect(tiny.map(\.batchSize) == [256, 32, 32])
        #expect(tiny.map(\.epochs) == [3, 20, 3])
        #expect(tiny.map(\.learningRate) == [5e-5, 5e-5, 3e-5])
        #expect(tiny.map(\.schedule) == [.linear, .constant, .linear])
        #expect(tiny[0].data == .text && tiny[1].data == .task)
        #expect(tiny[1].objectives.map(\.kind) == [.embeddings, .hiddenStates, .attentionScores])
        #expect(tiny[1].objectives.allSatisfy { $0.weight == 1 })
        #expect(tiny[1].objectives[1].projection == .perPair)
        #expect(tiny[2].prediction?.temperature == 1)
        #expect(tiny.map(\.augment) == [[], .candidates, .candidates])
        let recurrent = try #require(Recipe.named("bilstm", text: true)).stages
        #expect(recurrent.map(\.augment) == [[], .tang])
        let distil = try #require(Recipe.named("distilbert", text: true)).stages
        #expect(distil.map(\.name) == ["general", "prediction"])
        #expect(
            distil[0].objectives.map(\.kind) == [.pieceDistributions, .maskedPieces, .cosine]
        )
        #expect(distil[0].objectives.map(\.weight) == [5, 2, 1])
        #expect(distil[0].objectives[0].temperature == 2)
        #expect(distil[0].predictsPieces && !distil[1].predictsPieces)
        #expect(distil[0].maskedShare == 0.15 && distil[0].maskSmoothing == 0.7)
        #expect(distil[0].learningRate == 5e-4 && distil[0].batchSize == 250)
        #expect(
            distil[0].texts
                == TextSelection(minimumTokens: 12, unknownShare: 0.5, longTexts: .split)
        )
        #expect(tiny[0].texts == TextSelection())
        let patient = try #require(Recipe.named("pkd", text: false)).stages[0]
        #expect(patient.objectives.map(\.weight) == [1, 100])
        let relations = try #require(Recipe.named("minilmv2", text: false)).stages[0]
        #expect(
            relations.objectives.map(\.kind) == [.queryRelations, .keyRelations, .valueRelations]
        )
    }

    @Test func `variants are a key of stages on the task's texts`() throws {
        var stage = RecipeStage(name: "only", objectives: [])
        func entry(_ key: String) -> String? { stage.entries.first { $0.key == key }?.value }
        #expect(entry("augment") == "none" && entry("variants") == nil)
        for text in ["tang", "mask,ngram", "tang,tinybert", "pos", "none"] {
            #expect(try stage.set("augment", to: text))
            #expect(entry("augment") == text)
        }
        #expect(try stage.set("augment", to: "mask,pos,ngram") && entry("augment") == "tang")
        #expect(try stage.set("variants", to: "3") && entry("variants") == "3")
        for (key, text) in [("augment", "fun"), ("augment", ""), ("variants", "0")] {
            #expect(throws: RecipeValueError.self) { try stage.set(key, to: text) }
        }
        stage.data = .text
        #expect(entry("augment") == nil && !stage.readsVariants)
    }

    @Test func `which texts are read is a key of stages on plain text`() throws {
        var stage = RecipeStage(name: "only", objectives: [])
        func entry(_ key: String) -> String? { stage.entries.first { $0.key == key }?.value }
        let texts = [("minimum-tokens", "12"), ("unknown-share", "0.5"), ("long-texts", "split")]
        #expect(texts.allSatisfy { entry($0.0) == nil })
        stage.data = .text
        #expect(entry("long-texts") == "stretch")
        for (key, text) in texts {
            #expect(try stage.set(key, to: text))
            #expect(entry(key) == text)
        }
        #expect(
            stage.texts == TextSelection(minimumTokens: 12, unknownShare: 0.5, longTexts: .split)
        )
        for (key, text) in [
            ("minimum-tokens", "-1"), ("unknown-share", "0"), ("unknown-share", "1.5"),
            ("long-texts", "cut"),
        ] {
            #expect(throws: RecipeValueError.self) { try stage.set(key, to: text) }
        }
    }

    @Test func `layers of a teacher that is no multiple of its student`() throws {
        let settled = try resolve(try #require(Recipe.named("tinybert", text: false)))
        let terms = try settled.stages[0].terms(student: Self.student, teacher: Self.teacher)
        #expect(
            terms.map { $0.objective.pairs.map(\.teacher) } == [[0], [2, 3, 5, 6], [2, 3, 5, 6]]
        )
        #expect(terms[2].objective.student.attentionScores == [0, 1, 2, 3])
        #expect(terms[2].objective.teacher.attentionScores == [1, 2, 4, 5])
    }

    @Test func `patience leaves the last layer to the prediction`() throws {
        let twelve = LayerGolden.sized(hidden: 12, layers: 12, heads: 4)
        let six = LayerGolden.sized(hidden: 12, layers: 6, heads: 4)
        for (map, expected) in [(LayerMap.uniform, [2, 4, 6, 8, 10]), (.top, [7, 8, 9, 10, 11])] {
            let recipe = stage(changed(.patience) { $0.map = map })
            let terms = try recipe.stages[0].terms(student: six, teacher: twelve)
            #expect(terms[0].objective.pairs.map(\.teacher) == expected)
            #expect(terms[0].objective.pairs.map(\.student) == [1, 2, 3, 4, 5])
        }
    }

    @Test func `relation heads are the most that divide both widths`() throws {
        let recipe = stage(RecipeObjective(.keyRelations))
        #expect(try resolve(recipe).stages[0].objectives[0].relationHeads == 12)
        let base = LayerGolden.sized(hidden: 768, layers: 6, heads: 12)
        let found = try resolve(recipe, student: base, teacher: base)
        #expect(found.stages[0].objectives[0].relationHeads == 48)
        #expect(found.stages[0].objectives[0].teacherLayer == 6)
    }

    @Test func `what cannot be is refused in a sentence`() throws {
        func refuse(
            _ recipe: Recipe,
            _ words: [String],
            student: BertConfiguration = Self.student,
            teacher: BertConfiguration = Self.teacher
        ) {
            do {
                _ = try resolve(recipe, student: student, teacher: teacher)
                Issue.record("accepted, where \(words) was expected")
            } catch {
                let sentence = "\(error)"
                for word in words { #expect(sentence.contains(word), "\(sentence)") }
                #expect((error as? Failure)?.kind == .usage)
            }
        }
        refuse(Recipe(name: "own", stages: []), ["recipe own", "no stages"])
        refuse(stage(), ["stage only", "no objectives"])
        refuse(stage(RecipeObjective(.prediction, weight: 0)), ["every objective has the weight 0"])
        refuse(
            stage(RecipeObjective(.prediction), RecipeObjective(.prediction)),
            ["compares predictions twice"]
        )
        let oneHead = LayerGolden.sized(hidden: 12, layers: 4, heads: 3)
        refuse(
            stage(RecipeObjective(.attentionScores)),
            ["attention_scores", "has 3 heads and the teacher's layer 2 has 4", "relations"],
            student: oneHead
        )
        refuse(
            stage(RecipeObjective(.attentionDistributions)),
            ["has 3 heads and the teacher's layer 6 has 4", "minilmv2"],
            student: oneHead
        )
        refuse(
            stage(changed(.queryRelations) { $0.relationHeads = 8 }),
            ["8 relation heads do not divide the student's width of 12", "1, 2, 3, 4, 6, 12"]
        )
        refuse(
            stage(changed(.hiddenStates) { $0.projection = HiddenStateLoss.Projection.none }),
            ["12 wide and the teacher's 24", "per-pair"]
        )
        refuse(stage(RecipeObjective(.cosine)), ["12 wide", "24"])
        refuse(stage(RecipeObjective(.patience)), ["12 wide", "24"])
        refuse(
            stage(RecipeObjective(.patience)),
            ["only one"],
            student: LayerGolden.sized(hidden: 24, layers: 1, heads: 4)
        )
        refuse(
            stage(changed(.hiddenStates) { $0.map = .list([1, 2, 3, 7]) }),
            ["layer 7", "layers 1 to 6"]
        )
        refuse(
            stage(changed(.valueRelations) { $0.teacherLayer = 7 }),
            ["layer 7 of the teacher, which has layers 1 to 6"]
        )
        refuse(
            stage(changed(.prediction) { ($0.form, $0.temperature) = (.logitSquares, 2) }),
            ["logit-mse reads no temperature"]
        )
        var text = stage(RecipeObjective(.embeddings))
        text.stages[0].data = .text
        refuse(text, ["plain text", "--text"])
        var twoHeads = stage(
            RecipeObjective(.prediction),
            RecipeObjective(.maskedPieces)
        )
        refuse(twoHeads, ["stage only", "hidden in plain text only"])
        twoHeads.stages[0].data = .text
        do {
            _ = try resolve(twoHeads, hasText: true)
            Issue.record("two heads at once")
        } catch { #expect("\(error)".contains("two heads at once")) }
        var words = stage(changed(.pieceDistributions) { $0.form = .logitSquares })
        words.stages[0].data = .text
        for (form, expected) in [
            (SoftTargetLoss.Form.logitSquares, "not by logit-mse"),
            (.divergence, "the teacher has a sequence-classification head"),
        ] {
            words.stages[0].objectives[0].form = form
            do {
                _ = try resolve(words, hasText: true)
                Issue.record("accepted, where \(expected) was expected")
            } catch { #expect("\(error)".contains(expected), "\(error)") }
        }
        words.stages[0].objectives[0].form = .crossEntropy
        #expect(throws: Never.self) { try resolve(words, general: Self.general, hasText: true) }
        var bare = Self.teacher
        bare.head = .maskedLanguageModel
        refuse(
            stage(RecipeObjective(.prediction)),
            ["masked-language-model head", "not one of sequence or token classification"],
            teacher: bare
        )
    }

    @Test func `labels have no share of a loss on plain text`() throws {
        var recipe = stage(changed(.prediction) { $0.hardLabelWeight = 0.5 })
        recipe.stages[0].data = .text
        #expect {
            try resolve(recipe, hasText: true)
        } throws: { "\($0)".contains("no labels") }
    }

    @Test func `keys that a kind does not read are not its keys`() throws {
        for kind in RecipeObjective.Kind.allCases {
            var objective = RecipeObjective(kind)
            #expect(try objective.set("weight", to: "0.5") && objective.weight == 0.5)
            for key in ["temperature", "map", "relation-heads", "normalized", "projection"] {
                let isRead = objective.entries.contains { $0.key == key }
                let text = ["map": "top", "normalized": "false", "projection": "none"][key] ?? "3"
                #expect(try objective.set(key, to: text) == isRead, "\(kind) \(key)")
            }
            #expect(try !objective.set("kind", to: "cosine"))
        }
        var stage = RecipeStage(name: "a", objectives: [])
        #expect(try !stage.set("epoch", to: "3"))
        #expect(throws: RecipeValueError.self) { try stage.set("epochs", to: "0") }
        #expect(throws: RecipeValueError.self) { try stage.set("learning-rate", to: "0") }
        #expect(throws: RecipeValueError.self) { try stage.set("schedule", to: "cosine") }
    }
}
