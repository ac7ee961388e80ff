import Bert
import Kernels
import Tensors
import TestSupport
import Testing
import Tokenization

@Suite("Heads of every family")
struct HeadTests {
    @Test(arguments: HeadGolden.all)
    func `every output is PyTorch's`(_ name: String, _ head: Head) throws {
        let golden = try HeadGolden(name, head)
        for isPacked in [false, true] {
            let verdict = try golden.verdict(packing: isPacked)
            #expect(verdict.passes, "packed \(isPacked): \(verdict)")
            // What is found is far below what is allowed: single precision's own error.
            #expect((verdict.worst?.error ?? 1) < 1e-5, "\(verdict)")
        }
    }

    @Test(arguments: Set(HeadGolden.all.map(\.name)))
    func `a head's class has exactly the parameters that are demanded`(_ name: String) throws {
        let heads = HeadGolden.all.filter { $0.name == name }.map(\.head)
        var demanded: Set<String> = []
        var stored: Set<String> = []
        for head in heads {
            let golden = try HeadGolden(name, head)
            for (leaf, tensor) in golden.parameters.leaves {
                demanded.insert("\(leaf) \(tensor.shape)")
            }
            let own = (try? golden.file.names(in: "\(head.rawValue)/parameters")) ?? []
            for leaf in own {
                let shape = try golden.file.shape("\(head.rawValue)/parameters/\(leaf)")
                stored.insert("\(leaf) \(shape)")
            }
        }
        let file = try HeadGolden(name, heads[0]).file
        for leaf in try file.names(in: "parameters") {
            stored.insert("\(leaf) \(try file.shape("parameters/\(leaf)"))")
        }
        #expect(demanded == stored)
    }

    @Test(arguments: HeadGolden.all)
    func `one output alone is what all of them together give`(_ name: String, _ head: Head) throws {
        let golden = try HeadGolden(name, head)
        let (inference, batch) = (golden.inference(), golden.batch)
        var everything: OutputSelection = [.head, .lastHiddenState, .hiddenStates, .attentions]
        if golden.configuration.hasPooler { everything.insert(.poolerOutput) }
        let all = inference.outputs(batch, everything)
        var verdict = Verdict()
        func compare(_ quantity: String, _ alone: [Float], _ tensor: Tensor?) {
            verdict.compare(quantity, alone, (tensor?.values ?? []).map(Double.init), within: 5e-6)
        }
        switch head {
        case .none: break
        case .sequenceClassification: compare("logits", inference.logits(batch), all.logits)
        case .tokenClassification: compare("tokens", inference.tokenLogits(batch), all.logits)
        case .multipleChoice:
            compare("choices", inference.choiceLogits(batch, choices: 2), all.logits)
        case .questionAnswering:
            let spans = inference.spanLogits(batch)
            compare("start", spans.start, all.startLogits)
            compare("end", spans.end, all.endLogits)
        case .maskedLanguageModel:
            compare("pieces", inference.predictionLogits(batch), all.predictionLogits)
        case .preTraining:
            compare("pieces", inference.predictionLogits(batch), all.predictionLogits)
            compare("next", inference.nextSentenceLogits(batch), all.nextSentenceLogits)
        case .nextSentence:
            compare("next", inference.nextSentenceLogits(batch), all.nextSentenceLogits)
        case .replacedTokenDetection:
            compare("replaced", inference.replacedTokenLogits(batch), all.replacedTokenLogits)
        }
        compare("last", inference.lastHiddenState(batch), all.lastHiddenState)
        compare("states", inference.lastHiddenState(batch), all.hiddenStates?.last)
        if golden.configuration.hasPooler {
            compare("pooled", inference.poolerOutput(batch), all.poolerOutput)
        }
        #expect(verdict.passes, "\(verdict)")
        #expect(all.attentions?.count == golden.configuration.hiddenLayerCount)
    }

    @Test(arguments: HeadGolden.all)
    func `any number of workers gives the same bits`(_ name: String, _ head: Head) throws {
        let golden = try HeadGolden(name, head)
        // Enough sequences for several shards.
        let ids = (0..<40).flatMap { _ in golden.batch.ids }
        let batch = PackedBatch(
            ids: ids,
            tokenTypes: (0..<40).flatMap { _ in golden.batch.tokenTypes },
            offsets: [0]
                + (0..<40).flatMap { copy in
                    golden.batch.offsets.dropFirst().map { copy * golden.batch.tokenCount + $0 }
                }
        )
        var expected: [[UInt32]] = []
        for workers in [1, 2, 3, 8] {
            let outputs = golden.inference(workers: workers).outputs(batch, golden.selection)
            let found = try golden.file.names(in: "\(head.rawValue)/outputs").map {
                (outputs.tensor(named: $0)?.values ?? []).map(\.bitPattern)
            }
            if expected.isEmpty { expected = found }
            #expect(found == expected, "\(workers) workers")
        }
        #expect(!expected.isEmpty && expected.allSatisfy { !$0.isEmpty })
    }

    @Test(arguments: ["bert", "distilbert", "roberta", "electra"])
    func `chosen rows' pieces are those of all rows`(_ name: String) throws {
        let golden = try HeadGolden(name, .maskedLanguageModel)
        let (inference, batch) = (golden.inference(), golden.batch)
        let pieces = golden.configuration.vocabularySize
        let all = inference.predictionLogits(batch)
        for rows in [[], [0], [8, 9, 25, 50], Array(7..<26)] {
            let chosen = inference.predictionLogits(batch, rows: rows)
            let expected = rows.flatMap { all[$0 * pieces..<($0 + 1) * pieces] }
            var verdict = Verdict()
            verdict.compare("\(rows)", chosen, expected.map(Double.init), within: 5e-6)
            #expect(verdict.passes, "\(verdict)")
            let outputs = inference.outputs(batch, .head, predictionRows: rows)
            #expect(outputs.predictionLogits?.shape == [rows.count, pieces])
            #expect(outputs.predictionLogits?.values == chosen)
        }
    }

    @Test(arguments: HeadGolden.all)
    func `an empty batch has empty outputs`(_ name: String, _ head: Head) throws {
        let golden = try HeadGolden(name, head)
        let outputs = golden.inference().outputs(PackedBatch([]), golden.selection)
        for output in try golden.file.names(in: "\(head.rawValue)/outputs") {
            #expect(outputs.tensor(named: output)?.values == [], "\(output)")
        }
    }

    @Test func `a bare encoder without the pooler of its family runs`() throws {
        var golden = try HeadGolden("bert", .none)
        let expected = golden.inference().lastHiddenState(golden.batch)
        golden.parameters.pooler = nil
        #expect(golden.inference().lastHiddenState(golden.batch) == expected)
        #expect(golden.model().parameters.pooler == nil)
    }

    @Test func `types beyond a table of one row, or of none, are type 0`() throws {
        for name in ["roberta", "distilbert"] {
            let golden = try HeadGolden(name, .sequenceClassification)
            #expect(golden.batch.tokenTypes.contains(1))
            let without = PackedBatch(
                ids: golden.batch.ids,
                tokenTypes: golden.batch.tokenTypes.map { _ in 0 },
                offsets: golden.batch.offsets
            )
            let inference = golden.inference()
            #expect(inference.logits(golden.batch) == inference.logits(without))
        }
    }
}
