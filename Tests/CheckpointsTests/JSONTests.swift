import Checkpoints
import Diagnostics
import Testing

private func parse(_ text: String) throws(Failure) -> JSONValue {
    try JSONValue.parse(Array(text.utf8), source: "x.json")
}

@Suite struct `JSON` {
    @Test func `values keep their kind`() throws {
        let text = #"{"a": [1, -2.5, 1e-12, true, null], "b": "é\u00e9\ud83d\ude00\n", "c": {}}"#
        #expect(
            try parse(text)
                == .object([
                    "a": .array([.integer(1), .number(-2.5), .number(1e-12), .bool(true), .null]),
                    "b": .string("éé😀\n"),
                    "c": .object([:]),
                ])
        )
    }

    @Test func `text has sorted keys and two spaces, and reads back`() throws {
        let value = try parse(#"{"b": [], "a": {"y": 1e-12, "x": "q\"\\\u0001"}, "C": [1, "z"]}"#)
        let text = """
            {
              "C": [
                1,
                "z"
              ],
              "a": {
                "x": "q\\"\\\\\\u0001",
                "y": 1e-12
              },
              "b": []
            }
            """
        #expect(value.text() == text)
        #expect(try parse(value.text()) == value)
    }

    @Test(
        arguments: [
            ("", "ends too early"), ("{", "a key that is not text"),
            (#"{"a": 1, "a": 2}"#, "the key \"a\" a second time"), (#"{"a": 1,}"#, "a key"),
            ("[1 2]", "an array that does not end"), ("1 2", "text after the value"),
            ("01", "leading zeros"), ("+1", "not a value"), ("1.", "ends in a point"),
            ("1e", "without its exponent"), ("NaN", "not a value"), ("1e999", "too large"),
            ("nul", "an unknown word"), ("\"a", "does not end"), ("\"\\x\"", "an unknown escape"),
            ("\"\\ud800\"", "half a surrogate"), ("\"\\u12\"", "four hexadecimal"),
            ("\"\u{1}\"", "a control character"), ("\u{FEFF}{}", "not a value"),
            (String(repeating: "[", count: 200_000), "nesting deeper"),
        ]
    ) func `what is not strictly JSON is refused`(text: String, phrase: String) throws {
        let failure = try failure { _ = try parse(text) }
        #expect(failure.reason.contains(phrase), "\(failure)")
        #expect(failure.reason.hasPrefix("not valid JSON"))
    }

    @Test func `bytes that are not UTF-8 are refused, with the line`() throws {
        let failure = try failure {
            _ = try JSONValue.parse(Array("[\n\"".utf8) + [0xFF] + Array("\"]".utf8), source: "x")
        }
        #expect(failure.reason == "not valid JSON: text that is not UTF-8 on line 2")
    }
}
