import Testing

/// Every mistake is one line and one exit code.
@Suite("Mistakes on the command line")
struct ErrorTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var arguments: [String]
        var sentence: String
        var testDescription: String { arguments.joined(separator: " ") }

        init(_ arguments: String, _ sentence: String) {
            self.arguments = arguments.split(separator: " ").map(String.init)
            self.sentence = sentence
        }
    }

    private static let distill = "distill --teacher t --train a --dev b --output o"
    private static let finetune = "finetune --train a --dev b --output o"

    static let cases = [
        Case("distil", "Unknown command 'distil'. Did you mean 'distill'? See 'bertkit --help'."),
        Case("help fintune", "Unknown command 'fintune'. Did you mean 'finetune'?"),
        Case("sing", "Unknown command 'sing'. See 'bertkit --help'."),
        Case("--tto", "Unknown option '--tto'."),
        Case(distill + " --layer 2", "Unknown option '--layer'. Did you mean '--layers'?"),
        Case("finetune --dev b", "Missing expected argument '--train <file>'."),
        Case("distill --teacher t --output o", "Give '--train' and '--dev', or '--text'"),
        Case("distill --teacher t --output o --dev b", "'--train' and '--dev' are given together"),
        Case("pretrain --text t --output o", "Give '--init', or describe a model"),
        Case(
            "pretrain --text t --output o --init m --hold-out 1",
            "'--hold-out 1' leaves nothing to train on"
        ),
        Case("inspect", "Missing expected argument '<path>'. See 'bertkit inspect --help'."),
        Case("inspect p q", "Unexpected argument 'q'."),
        Case("inspect p --format yaml", "Please provide one of 'text' and 'json'."),
        Case(distill + " --epochs many", "The value 'many' is invalid for '--epochs <count,…>'."),
        Case(distill + " --epochs 0", "'--epochs' must be from 1 to 100000, not 0."),
        Case(distill + " --learning-rate -1", "'--learning-rate' must be above 0.0"),
        Case(distill + " --temperature -0.5", "must be above 0.0 and up to 1000.0, not -0.5"),
        Case("pretrain --text t --output o --init m --metric f1", "Unknown option '--metric'"),
        Case(
            "pretrain --text t --output o --init m --dev-text d --hold-out 9",
            "'--hold-out' measures with lines of '--text', but '--dev-text' is given."
        ),
        Case(
            finetune + " --model m --precision int8",
            "The value 'int8' is invalid for '--precision <precision>'. Please provide one of 'f32' "
                + "and 'bf16'."
        ),
        Case(
            "evaluate --data d --student s --precision f16",
            "Please provide one of 'bf16' and 'int8'."
        ),
        Case(
            "augment --data d --preview 1 --method synonyms",
            "Please provide one of 'tang', 'mask', 'pos', 'ngram'"
        ),
        Case("augment --data d --preview 1 --method tang,mask", "The value 'tang,mask' is invalid"),
        Case(distill + " --augment synonyms", "one of the following: - none - tang - mask"),
        Case(distill + " --init slim:most", "- slim:leading - slim:importance - slim:pca"),
        Case(
            "compress m o --int8 --seed 7",
            "'--seed' draws the examples that heads and neurons are judged"
        ),
        Case("finetune --train= --dev d --output o", "'--train' is given an empty value."),
        Case(distill + " --learning-rate 0", "'--learning-rate' must be above 0.0"),
        Case(distill + " --learning-rate nan", "'--learning-rate' must be above 0.0"),
        Case(distill + " --temperature inf", "'--temperature' must be above 0.0 and up to 1000.0"),
        Case(distill + " --dropout 1", "'--dropout' must be from 0.0 and below 1.0, not 1.0."),
        Case(distill + " --hard-label-weight 1.5", "must be from 0.0 and up to 1.0, not 1.5."),
        Case(distill, "Say how small the student is to be with '--layers', '--hidden', '--heads'"),
        Case(
            distill + " --init random --heads 2",
            "A student from random weights needs its sizes: add '--layers', '--hidden'"
        ),
        Case(distill + " --init slim:largest", "The value 'slim:largest' is invalid"),
        Case(distill + " --init slim", "The value 'slim' is invalid"),
        Case(distill + " --init slim:pca:0,x", "The value 'slim:pca:0,x' is invalid"),
        Case(distill + " --init slim:pca:0,2 --layers 3", "'--layers' is 3, but '--init' lists 2"),
        Case(distill + " --teacher-weights 1,2", "has 2 weights for 1 teachers."),
        Case(distill + " --teacher u --teacher-weights 0,0", "at least one of them above 0."),
        Case(distill + " --layer-teacher u", "'--layer-teacher' is none of the teachers"),
        Case(distill + " --early-stopping 0", "'--early-stopping' must be from 1 to 1000000"),
        Case(distill + " --metric bleu", "The value 'bleu' is invalid"),
        Case(distill + " --init teacher-layers", "Say how many layers to copy"),
        Case(
            distill + " --init teacher-layers:0,2 --layers 3",
            "'--layers' is 3, but '--init' lists 2"
        ),
        Case(distill + " --init teacher-layers:0,x", "The value 'teacher-layers:0,x' is invalid"),
        Case(
            distill + " --layers 2 --hidden 13 --heads 2 --intermediate 8",
            "'--hidden' must be a multiple of '--heads', but 13 is not one of 2."
        ),
        Case(finetune, "Give '--model', or describe a model from random weights: '--vocabulary'"),
        Case(
            finetune + " --model m --layers 2",
            "'--layers' describes a model from random weights"
        ),
        Case(finetune + " --model m --labels a", "'--labels' needs at least two labels"),
        Case(finetune + " --model m --labels a,a", "each named once"),
        Case(
            finetune + " --model m --task regression --labels a,b",
            "'--labels' names classes, but the task is regression."
        ),
        Case("benchmark --model m --data d --lengths 8", "'--lengths' makes synthetic sequences"),
        Case("benchmark --model m --text-pair-column 2", "needs '--text-column' beside it"),
        Case("evaluate --data d", "Give '--teacher', '--student' or both."),
        Case("evaluate --data d --student s --student s", "'--student' names 's' twice."),
        Case("benchmark --model m --max-length 8", "'--max-length' cuts texts, but no '--data'"),
        Case("benchmark --model m --measure load --order file", "'--order' is about going forward"),
        Case(
            "benchmark --model m --measure training --no-training-step",
            "leaves '--measure training' nothing to do"
        ),
        Case("benchmark --model m --lengths 8,,9", "The value '8,,9' is invalid for '--lengths"),
    ]

    @Test("One sentence, exit code 64", arguments: cases)
    func usageErrors(_ example: Case) throws {
        let outcome = try Command.run(example.arguments)
        #expect(outcome.code == 64)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errorLines.count == 1)
        #expect(outcome.error.hasPrefix("bertkit: "))
        #expect(outcome.error.contains(example.sentence), "\(outcome.error)")
    }

    @Test("A control character in a mistyped command does not reach the terminal")
    func controlCharactersAreEscaped() throws {
        let outcome = try Command.run("dist\u{1b}[31mill")
        #expect(outcome.code == 64)
        #expect(!outcome.error.contains("\u{1b}"))
    }

    @Test("A full device is an error of writing")
    func fullDevice() throws {
        let outcome = try Command.shell("$BERTKIT --help > /dev/full")
        #expect(outcome.code == 74)
        #expect(
            outcome.error
                == "bertkit: standard output: cannot be written: No space left on device.\n"
        )
    }

    @Test("A reader that has gone ends the command quietly")
    func closedPipe() throws {
        let outcome = try Command.shell("(sleep 0.2; $BERTKIT --help; echo $? >&2) | true")
        #expect(outcome.error == "141\n")
    }

    @Test("Colour is for terminals, for those who force it, and never against NO_COLOR")
    func colour() throws {
        let forced = try Command.run("sing", environment: ["FORCE_COLOR": "1"])
        #expect(forced.error.contains("\u{1b}["))
        let refused = try Command.run(
            "sing",
            environment: ["FORCE_COLOR": "1", "NO_COLOR": "1"]
        )
        #expect(!refused.error.contains("\u{1b}"))
        let piped = try Command.run("sing", environment: ["TERM": "xterm"])
        #expect(!piped.error.contains("\u{1b}"))
        #expect(refused.error == piped.error)
    }
}
