import Bert
import Conversion
import Foundation
import Testing

@Suite struct `Comparing models` {
    @Test func `the same weights behind another tokenizer are another model`() throws {
        try withOutputs { folder in
            let original = LayoutFixture.named("tf").url
            let first = try Checkpoint.open(original)
            let copy = folder.appending(path: "copy")
            try FileManager.default.copyItem(at: original, to: copy)
            let same = try ModelComparison(first, Checkpoint.open(copy), workers: 1)
            #expect(same.isSame(tolerance: 0))
            #expect(same.tokenizerDifferences == [])

            let vocabulary = copy.appending(path: "vocab.txt")
            var pieces = try String(contentsOf: vocabulary, encoding: .utf8)
                .split(separator: "\n").map(String.init)
            pieces.swapAt(20, 21)
            try Data(pieces.map { $0 + "\n" }.joined().utf8).write(to: vocabulary)
            let settings = copy.appending(path: "tokenizer_config.json")
            try Data("{\"do_lower_case\": false}".utf8).write(to: settings)
            let other = try ModelComparison(first, Checkpoint.open(copy), workers: 1)
            #expect(!other.isSame(tolerance: 1))
            #expect(other.tokenizerDifferences.count == 3)
            #expect(other.tokenizerDifferences[0].contains("2 pieces differ, first number 20"))
            #expect(other.tokenizerDifferences[1] == "letters are lower-cased: yes and no")
        }
    }

    /// KerasHub's encoder always has a pooler, of zeros where the model has none.
    @Test func `a pooler of zeros is none`() throws {
        try withOutputs { folder in
            let first = try Checkpoint.open(LayoutFixture.named("safetensors_masked_lm").url)
            var options = ConversionOptions(format: .kerasHub)
            options.allowsApproximation = true
            let preset = folder.appending(path: "preset")
            _ = try first.write(to: preset, options)
            let second = try Checkpoint.open(preset)
            for (one, other) in [(first, second), (second, first)] {
                let comparison = try ModelComparison(one, other, runs: false, workers: 1)
                #expect(comparison.mismatches == [])
                #expect(comparison.isSame(tolerance: 0))
            }
            let withPooler = try Checkpoint.open(LayoutFixture.named("safetensors").url)
            let mismatches = try ModelComparison(first, withPooler, runs: false, workers: 1)
                .mismatches
            #expect(mismatches.contains { $0.hasPrefix("pooler.dense.weight is only") })
        }
    }
}
