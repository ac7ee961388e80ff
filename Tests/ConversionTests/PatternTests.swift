import Conversion
import Testing

@Suite struct PatternTests {
    @Test func `a star stands for anything, also nothing`() {
        #expect(matches("encoder.layer.0.output.dense.weight", "encoder.*"))
        #expect(matches("encoder.layer.0.output.dense.weight", "*.weight"))
        #expect(matches("encoder.layer.10.output.dense.weight", "encoder.layer.*.output.*.weight"))
        #expect(matches("pooler.dense.bias", "pooler.dense.bias*"))
        #expect(!matches("encoder.layer.0.output.dense.bias", "*.weight"))
        #expect(!matches("encoder", "encoder.*"))
        #expect(!matches("aba", "ab*ba"))
    }
}
