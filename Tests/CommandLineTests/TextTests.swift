import Testing
import bertkit

@Suite("Numbers and lines for people")
struct TextTests {
    @Test("Counts are grouped by three")
    func counts() {
        #expect(Numbers.count(0) == "0")
        #expect(Numbers.count(999) == "999")
        #expect(Numbers.count(67_349) == "67,349")
        #expect(Numbers.count(-1_234_567) == "-1,234,567")
        #expect(Numbers.count(.min) == "-9,223,372,036,854,775,808")
    }

    @Test("Sizes have three digits and a unit")
    func sizes() {
        #expect(Numbers.bytes(999) == "999 B")
        #expect(Numbers.bytes(90_891_264) == "90.9 MB")
        #expect(Numbers.bytes(999_999) == "1.00 MB")
        #expect(Numbers.short(22_713_986) == "22.7 M")
        #expect(Numbers.short(312) == "312")
    }

    @Test("Durations change their unit where people do")
    func durations() {
        #expect(Numbers.duration(seconds: 0.0042) == "4.2 ms")
        #expect(Numbers.duration(seconds: 0.85) == "850 ms")
        #expect(Numbers.duration(seconds: 0.9999) == "1.0 s")
        #expect(Numbers.duration(seconds: 59.96) == "1 min 00 s")
        #expect(Numbers.duration(seconds: 185) == "3 min 05 s")
        #expect(Numbers.duration(seconds: 3725) == "1 h 02 min")
        #expect(Numbers.duration(seconds: .infinity) == "–")
    }

    @Test("Fixed decimals round, and know neither minus zero nor not-a-number")
    func fixed() {
        #expect(Numbers.fixed(0.91284, 3) == "0.913")
        #expect(Numbers.fixed(-0.0001, 2) == "0.00")
        #expect(Numbers.fixed(-0.25, 2) == "-0.25")
        #expect(Numbers.fixed(.nan, 2) == "–")
        #expect(Numbers.fixed(-.infinity, 2) == "-∞")
        #expect(Numbers.fixed(1e300, 0).utf8.count == 301)
        #expect(Numbers.percent(0.91284) == "91.28 %")
    }

    @Test("A progress line has its facts, and never more than its width")
    func progressLine() {
        var line = ProgressLine(label: "distil", unit: "examples", total: 1000)
        line.completed = 250
        #expect(line.plain(seconds: 10) == "distil: 25 %, 25 examples/s, 30.0 s left")
        let bar = line.lines(seconds: 10, width: 79, isUnicode: false)
        #expect(bar.count == 1)
        #expect(bar[0].hasPrefix("distil #######..."))
        #expect(bar[0].hasSuffix(" 25 %  25 examples/s  30.0 s left"))
        line.completed = 1000
        #expect(!line.plain(seconds: 40).contains("left"))
        #expect(line.summary(seconds: 40) == "distil: 1,000 examples, 40.0 s, 25 examples/s")
        #expect(ProgressLine(label: "x", unit: "y", total: 0).fraction == 1)
    }

    @Test("Training shows its losses, rate, measures and memory, in as many lines as it takes")
    func trainingLines() {
        var line = ProgressLine(label: "distilling", unit: "examples", total: 1000)
        line.completed = 250
        line.memory = 512_000_000
        var state = TrainingState()
        state.loss = 0.12345
        line.training = state
        #expect(
            line.plain(seconds: 10)
                == "distilling: 25 %, loss 0.1235, 25 examples/s, 30.0 s left, 512 MB"
        )
        state.terms = [("hard_labels", 0.1), ("soft_targets", 0.02345)]
        state.learningRate = 4.2e-5
        (state.metric, state.current, state.best) = ("accuracy", 0.91, 0.92)
        line.training = state
        #expect(
            line.lines(seconds: 10, width: 79, isUnicode: false)
                == [
                    "distilling ######..................... 25 %  25 examples/s  30.0 s left  512 MB",
                    "  loss 0.1235  hard labels 0.1000  soft targets 0.0234  learning rate 4.2e-05",
                    "  accuracy 0.9100  best 0.9200",
                ]
        )
        // A narrow terminal has one line, whose parts are whole.
        #expect(line.lines(seconds: 10, width: 19, isUnicode: false) == ["distilling 25 %"])
        #expect(
            line.lines(seconds: 10, width: 29, isUnicode: false) == ["distilling 25 %  30.0 s left"]
        )
        line.label = "distilling, attention"
        #expect(line.lines(seconds: 10, width: 19, isUnicode: false) == ["distilling, at 25 %"])
        for width in 0..<140 {
            let lines = line.lines(seconds: 10, width: width, isUnicode: true)
            #expect(lines.count <= 3)
            for line in lines { #expect(line.unicodeScalars.count <= max(5, width)) }
        }
    }

    @Test("The nearest name is close and unique")
    func nearest() {
        let names = ["inspect", "finetune", "distill"]
        #expect(nearestName(to: "distil", in: names) == "distill")
        #expect(nearestName(to: "fine-tune", in: names) == "finetune")
        #expect(nearestName(to: "sing", in: names) == nil)
        #expect(nearestName(to: "", in: names) == nil)
    }

    @Test("A settled value replaces what the options said")
    func settledValues() {
        var run = ResolvedRun(
            command: "distill",
            entries: [.init(name: "seed", values: ["42"], form: .text)]
        )
        run.settle("seed", ["7"])
        run.settle("labels", ["negative", "positive"], form: .list)
        #expect(run.yaml.hasSuffix("\nseed: 7\nlabels: [negative, positive]\n"))
    }
}
