/// Words that carry a sentence's grammar rather than its sense: few others can stand in their place.
public enum StopWords {
    /// English articles, pronouns, prepositions, conjunctions, auxiliary verbs, and the like, lower-cased;
    /// contractions whole, and the halves that word splitters leave of them.
    public static let english: Set<String> = Set(
        [
            "a an the this that these those some any no each every either neither both all such same",
            "own other another much many more most few less least several enough",
            "i me my mine myself we us our ours ourselves you your yours yourself yourselves he him",
            "his himself she her hers herself it its itself they them their theirs themselves one",
            "who whom whose which what when where why how whoever whatever whichever whenever wherever",
            "about above across after against along among around as at before behind below beneath",
            "beside between beyond by despite down during except for from in inside into near of off",
            "on onto out outside over past since through throughout till to toward towards under until",
            "up upon with within without via per",
            "and but or nor so yet if because although though while whereas unless than whether once",
            "am is are was were be been being do does did doing done have has had having can could may",
            "might must shall should will would ought cannot",
            "not only just too very also again then there here now ever never always quite rather else",
            "even still already",
            "i'm you're he's she's it's we're they're i've you've we've they've i'd you'd he'd she'd",
            "we'd they'd i'll you'll he'll she'll it'll we'll they'll that's who's what's there's let's",
            "aren't isn't wasn't weren't don't doesn't didn't haven't hasn't hadn't can't couldn't",
            "mustn't shan't shouldn't won't wouldn't mightn't needn't",
            "s t d ll re ve m n't 's 't 'd 'll 're 've 'm",
        ].flatMap { $0.split(separator: " ").map(String.init) }
    )
}
