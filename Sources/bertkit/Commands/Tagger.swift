import ArgumentParser

/// The commands on part-of-speech taggers.
struct Tagger: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Give words their parts of speech.",
        discussion: """
            An averaged perceptron with the Universal tags, ADJ to X. The tagger of English that is \
            built in was trained on the Universal Dependencies English Web Treebank \
            (CC BY-SA 4.0); train makes others.

            Examples:
              echo "It isn't over." | bertkit tagger tag
              bertkit tagger tag texts.txt --format columns
              bertkit tagger train --train train.conllu --output english.tagger
            """,
        subcommands: [TaggerTrain.self, TaggerTag.self, TaggerEvaluate.self]
    )
}
