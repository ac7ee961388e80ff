import ArgumentParser

/// How training is kept from being lost; no choice here changes a result.
struct StateOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Save the state of training every so many minutes, in OUTPUT.training, from which 'bertkit resume' "
                + "goes on; 0 saves only when SIGINT or SIGTERM ends the run.",
            valueName: "minutes"
        )
    )
    var saveEvery = 10.0

    @Option(
        help: ArgumentHelp("How many of the last saved states are kept.", valueName: "count")
    )
    var keepStates = 2

    func validate() throws {
        try Limits.check("--save-every", saveEvery, 0...1e6)
        try Limits.check("--keep-states", keepStates, 1...1_000_000)
    }
}
