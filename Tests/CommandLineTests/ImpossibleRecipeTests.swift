import Foundation
import Testing

/// Recipes that no training can follow, each refused in one sentence before anything is trained.
@Suite("bertkit distill: impossible recipes")
struct ImpossibleRecipeTests {
    private static let distill =
        "distill --teacher @teacher --train @train.tsv --dev @dev.tsv --layers 1 --epochs 1 --quiet"
    private static let narrow = "--hidden 8 --heads 1 --intermediate 8 --init random"

    private func refuse(_ bench: Workbench, _ options: String, _ words: String) throws {
        let before = try bench.names()
        let outcome = try bench.run("\(Self.distill) \(options) --output @refused")
        #expect([64, 65].contains(outcome.code), "\(options): \(outcome.error)")
        #expect(outcome.output.isEmpty)
        #expect(outcome.errorLines.count == 1, "\(options): \(outcome.error)")
        #expect(outcome.error.contains(words), "\(options): \(outcome.error)")
        #expect(try bench.names() == before)
    }

    @Test("Layer maps, heads, widths and relation heads that the models do not have")
    func models() throws {
        try Workbench.temporary { bench in
            let lines = [
                ("--recipe tinybert --layer-map 1,2", "it lists 2 layers and the student has 1"),
                (
                    "--recipe tinybert --layer-map 3",
                    "names layer 3 of a teacher that has layers 1 to 2"
                ),
                ("--recipe tinybert --layer-map 0", "leaves every layer out"),
                ("--recipe tinybert --layer-map near", "must be uniform, top, bottom, skip, last"),
                (
                    "--recipe tinybert \(Self.narrow)",
                    "the student's layer 1 has 1 heads and the teacher's layer 2 has 2"
                ),
                (
                    "--recipe minilm \(Self.narrow)",
                    "the student's layer 1 has 1 heads and the teacher's layer 2 has 2"
                ),
                ("--recipe pkd", "the student has only one"),
                ("--recipe minilmv2 --relation-heads 5", "5 relation heads do not divide"),
                ("--hidden 9 --heads 2 --init random", "must be a multiple of '--heads'"),
                ("--recipe tinybrt", "did you mean 'tinybert'?"),
                ("--recipe distilbert", "it reads plain text, and there is none"),
                (
                    "--recipe distilbert --text @vocab.txt",
                    "the teacher's masked-language-model head"
                ),
                ("--epochs 1,2", "2 values, but the stages of recipe logits are prediction"),
            ]
            for (options, words) in lines { try refuse(bench, options, words) }
        }
    }

    @Test("Recipe files with what no objective and no stage has")
    func files() throws {
        try Workbench.temporary { bench in
            let prediction = "objectives: [{kind: prediction}]"
            let recipes = [
                (
                    "objectives: [{kind: hidden-state}]",
                    "unknown objective 'hidden-state', did you mean"
                ),
                ("objectives: [{kind: prediction, weight: 0}]", "every objective has the weight 0"),
                ("objectives: [{kind: prediction, weight: -1}]", "'weight' must be a number from"),
                ("objectives: []", "it has no objectives"),
                ("objectives: [{weight: 1}]", "an objective needs its 'kind'"),
                ("objectives: [{kind: prediction, temprature: 2}]", "did you mean 'temperature'?"),
                ("objectives: [{kind: cosine, teacher-layer: 3}]", "names layer 3 of the teacher"),
                ("objectives: [{kind: hidden-states, map: [4]}]", "names layer 4 of a teacher"),
                ("objectives: [{kind: masked-pieces}]", "hidden in plain text only"),
                ("epoch: 3, \(prediction)", "unknown key 'epoch', did you mean 'epochs'?"),
                ("minimum-tokens: 4, \(prediction)", "'minimum-tokens' is a key of other stages"),
                ("mask-smoothing: 1, \(prediction)", "'mask-smoothing' is a key of other stages"),
                ("data: text, augment: tang, \(prediction)", "'augment' is a key of other stages"),
            ]
            for (stage, words) in recipes {
                try bench.write("stages:\n  - {name: only, \(stage)}\n", "own.yaml")
                try refuse(bench, "--recipe @own.yaml", words)
            }
        }
    }
}
