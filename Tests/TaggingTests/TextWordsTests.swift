import Tagging
import Testing

@Suite("Words of English texts")
struct TextWordsTests {
    @Test(arguments: [
        ("The sky is blue.", "The|sky|is|blue|."),
        ("I don't; it's HERS, you'll see!", "I|do|n't|;|it|'s|HERS|,|you|'ll|see|!"),
        ("Don’t: he’s", "Do|n’t|:|he|’s"),
        ("can't cannot CANNOT gonna wouldn't've", "ca|n't|can|not|CAN|NOT|gon|na|would|n't|'ve"),
        (
            "it 's what they do n't -lrb- know -rrb- `` x ''",
            "it|'s|what|they|do|n't|-lrb-|know|-rrb-|``|x|''"
        ),
        ("Mr. J. Smith of Smith Inc., in the U.S.", "Mr.|J.|Smith|of|Smith|Inc.|,|in|the|U.S."),
        ("at 5:30 p.m. for $1,200.50 or 5%.", "at|5:30|p.m.|for|$|1,200.50|or|5|%|."),
        (
            "well-made and/or so-called --this--that—too",
            "well-made|and/or|so-called|--|this|--|that|—|too"
        ),
        (
            "(really)... \"yes,but\" well...maybe what?!",
            "(|really|)|...|\"|yes|,|but|\"|well|...|maybe|what|?!"
        ),
        ("“Quoted” ‘single’ «deux» café…", "“|Quoted|”|‘|single|’|«|deux|»|café|…"),
        (
            "mail a.b@c.com, see http://x.y/z?q=(1). www.z.org!",
            "mail|a.b@c.com|,|see|http://x.y/z?q=(1|)|.|www.z.org|!"
        ),
        ("the boys' '90s 'em 'tis 'quoted'", "the|boys|'|'90s|'em|'tis|'|quoted|'"),
        ("#1 #film @me -5 +1 .5 10-5 C++ :) :-( ;)", "#|1|#film|@me|-5|+1|.5|10-5|C++|:)|:-(|;)"),
        ("word(s) [sic] {x} 9/11 <b>", "word|(|s|)|[|sic|]|{|x|}|9/11|<|b|>"),
        ("better than I.", "better|than|I|."),
        ("naïve\u{00A0}Ünï\u{3000}日本語\u{2028}x", "naïve|Ünï|日本語|x"),
        ("...", "..."), ("'", "'"), ("n't", "n't"), ("-", "-"), (".,.", ".|,|."), ("a", "a"),
        ("", ""), (" \t\n ", ""), ("'s's", "'|s|'s"), ("''", "''"), ("I'm.'", "I|'m|.|'"),
    ])
    func `are split as the treebanks split them`(text: String, expected: String) {
        let words = TextWords(text)
        #expect(words.strings.joined(separator: "|") == expected)
        #expect(words.strings.count == words.count)
        for index in 0..<words.count { #expect(String(words[index]) == words.strings[index]) }
    }

    @Test func `ranges rise, and only spaces lie between them`() {
        let pieces = [
            "a", "n't", "'", "’", ".", "...", "-", "--", "—", "\u{A0}", " ", "é", "👍", "@", "://",
            "%", "$", "5", "'s", "(", "lrb", "?", "!", "I", "can", "not", "\u{2026}", "\u{301}",
            "www.",
        ]
        var state: UInt64 = 9
        for _ in 0..<3_000 {
            var text = ""
            for _ in 0..<8 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text += pieces[Int(state >> 33) % pieces.count]
            }
            let words = TextWords(text)
            var covered = 0
            let bytes = Array(text.utf8)
            for range in words.ranges {
                #expect(range.lowerBound >= covered && !range.isEmpty)
                let between = String(decoding: bytes[covered..<range.lowerBound], as: UTF8.self)
                #expect(between.unicodeScalars.allSatisfy { $0.properties.isWhitespace }, "\(text)")
                #expect(String(validating: bytes[range], as: UTF8.self) != nil, "\(text)")
                covered = range.upperBound
            }
            let rest = String(decoding: bytes[covered...], as: UTF8.self)
            #expect(rest.unicodeScalars.allSatisfy { $0.properties.isWhitespace }, "\(text)")
        }
    }

    @Test func `words that touch are told`() {
        let words = TextWords("It's so .")
        #expect((0..<4).map { words.touchesNext($0) } == [true, false, false, false])
    }

    @Test func `a text is tagged word by word`() {
        let (words, tags) = PerceptronTagger.english.tags(of: "It isn't over.")
        #expect(words.strings == ["It", "is", "n't", "over", "."])
        #expect(tags[..<3] == [.pronoun, .auxiliary, .particle] && tags[4] == .punctuation)
    }
}
