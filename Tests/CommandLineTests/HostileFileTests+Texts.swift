import Checkpoints
import Foundation
import Glibc

/// Texts, tables of texts, and vocabularies.
extension HostileFileTests {
    private static let predict = ["predict --model @teacher @texts.txt"]

    private static func texts(
        _ description: String,
        _ answer: Answer = .read("itive"),
        lines: [String] = predict,
        _ bytes: @escaping @Sendable () -> [UInt8]
    ) -> Case {
        Case(description, lines, answer) { bench in
            try SmallModel().write(to: bench["teacher"])
            try bench.write(bytes(), "texts.txt")
        }
    }

    private static func text(_ description: String, _ text: String) -> Case {
        texts(description) { Array(text.utf8) }
    }

    private static let odd: [Case] = [
        texts("T01 a byte that begins nothing", .refused("texts.txt", "UTF-8")) {
            [0x61, 0xFF, 0x0A]
        },
        texts("T01 a sequence that is cut", .refused("UTF-8")) { [0x61, 0xE2, 0x82, 0x0A] },
        texts("T01 an overlong sequence", .refused("UTF-8")) { [0x61, 0xC0, 0x80, 0x0A] },
        texts("T01 a surrogate", .refused("UTF-8")) { [0x61, 0xED, 0xA0, 0x80, 0x0A] },
        text("T02 NUL", "a \u{0} film\n"),
        text("T03 control characters", "a\u{1}\u{85}\u{1B}film\n"),
        text("T04 soft hyphens, joiners, a mark in mid-line", "a\u{AD} fi\u{200D}lm \u{FEFF}\n"),
        text("T05 replacement characters", "a \u{FFFD} film\n"),
        text("T06 ideographs", "中\u{20000}\u{F900}\u{2F800}\n"),
        text("T07 é in both forms", "\u{E9} e\u{301}\n"),
        text("T08 Hangul", "한국어 \u{1112}\u{1161}\u{11AB}\n"),
        text("T09 letters that change their length", "İ ß Σ ΟΔΟΣ\n"),
        text("T10 joined emoji and flags", "👩‍👩‍👧‍👦 🇩🇪\n"),
        texts("T11 words of 100 to 201 letters") {
            [100, 101, 200, 201].flatMap { [UInt8](repeating: 0x61, count: $0) + [0x20] } + [0x0A]
        },
        texts("T11 a word of a megabyte") { [UInt8](repeating: 0x61, count: 1 << 20) + [0x0A] },
        text("T12 ten thousand marks", "a" + String(repeating: "\u{301}", count: 10_000) + "\n"),
        texts("T13 an empty file", .read("label")) { [] },
        text("T13 an empty line", "a film\n\nfine\n"), text("T13 spaces", "   \n"),
        text("T14 spaces of other kinds", "a\u{A0}film\u{3000}fine\u{2028}plot\n"),
        texts("T15 a million words") {
            Array(String(repeating: "film ", count: 1_000_000).utf8) + [0x0A]
        },
        text("T16 pieces as text", "[SEP] [MASK] ##s [CLS]\n"),
        texts("T17 ends of lines of all kinds") { Array("a film\r\nfine\rplot\nold".utf8) },
        text("T33 from right to left", "שלום עולם\n"),
        text("T34 private and unassigned", "\u{E000} \u{378}\n"),
        text(
            "T35 a letter that becomes many",
            String(repeating: "\u{1D160}\u{FDFA}", count: 1000) + "\n"
        ),
        texts("T24 a packed file", .refused("gzip")) { [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3] },
        texts("T24 UTF-16", .refused("UTF-16")) { [0xFF, 0xFE] + Array("a\0\n\0".utf8) },
    ]

    // MARK: Tables

    private static let finetune =
        "finetune --vocabulary @teacher/vocab.txt --max-positions 16 --layers 1 --hidden 8 --heads 2 "
        + "--intermediate 12 --train @train.tsv --dev @dev.tsv --epochs 1 --quiet --output @out"
    private static let evaluate = "evaluate --teacher @teacher --student @teacher --data @train.tsv"

    private static func table(
        _ description: String,
        _ answer: Answer,
        lines: [String] = [finetune, evaluate],
        _ text: @escaping @Sendable () -> String
    ) -> Case {
        Case(description, lines, answer) { bench in
            try SmallModel().write(to: bench["teacher"])
            try bench.write(text(), "train.tsv")
            try bench.write(SmallModel.taskFile(labels: ["positive", "negative"]), "dev.tsv")
        }
    }

    private static let head = "sentence\tlabel\n"

    private static let tables: [Case] = [
        table("T18 quotes", .read("accuracy"), lines: [evaluate]) {
            head + "\"a film\tpositive\n\"fine\" plot\tnegative\nold \"\tpositive\n"
        },
        table("T19 too few columns", .refused("train.tsv", "line 3")) {
            head + "a film\tpositive\nfine\nold\tnegative\n"
        },
        table("T19 too many columns", .refused("train.tsv", "line 3")) {
            head + "a film\tpositive\nfine\tplot\tnegative\nold\tnegative\n"
        },
        table("T20 columns of other names", .refused("train.tsv")) {
            "x\ty\na film\tpositive\nold\tnegative\n"
        },
        table("T21 a byte order mark first", .read("accuracy"), lines: [evaluate]) {
            "\u{FEFF}" + head + "a film\tpositive\nold\tnegative\n"
        },
        table("T22 an unknown label", .refused("train.tsv", "neutral"), lines: [evaluate]) {
            head + "a film\tpositive\nold\tneutral\n"
        },
        table("T22 an empty label", .refused("train.tsv", "line 3")) {
            head + "a film\tpositive\nold\t\n"
        },
        table("T22 one class alone", .refused("train.tsv"), lines: [finetune]) {
            head + "a film\tpositive\nold\tpositive\n"
        },
        table("T25 a line of tabs", .refused("train.tsv", "line 3")) {
            head + "a film\tpositive\n" + String(repeating: "\t", count: 100_000) + "\n"
        },
    ]

    // MARK: Vocabularies

    private static let pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + SmallModel.words

    private static func vocabulary(
        _ description: String,
        _ answer: Answer,
        _ text: @escaping @Sendable () -> [UInt8]
    ) -> Case {
        Case(description, predict, answer) { bench in
            try SmallModel().write(to: bench["teacher"])
            try bench.remove("teacher/tokenizer.json")
            try bench.write("a film\n", "texts.txt")
            try bench.write(text(), "teacher/vocab.txt")
        }
    }

    private static func joined(_ pieces: [String], _ end: String = "\n") -> [UInt8] {
        Array(pieces.map { $0 + end }.joined().utf8)
    }

    private static let vocabularies: [Case] = [
        vocabulary("T26 a piece twice", .refused("vocab.txt", "fine")) {
            joined(pieces.dropLast() + ["fine"])
        },
        vocabulary("T27 an empty line", .refused("vocab.txt")) {
            joined(Array(pieces[..<7]) + [""] + Array(pieces[7...]))
        },
        vocabulary("T28 no [CLS] and no [SEP]", .refused("[CLS]", "[SEP]")) {
            joined(pieces.map { ["[CLS]": "x", "[SEP]": "y"][$0] ?? $0 })
        },
        vocabulary("T29 ends of lines of two bytes", .read("itive")) { joined(pieces, "\r\n") },
        vocabulary("T29 a space behind a piece", .read("itive")) {
            joined(pieces.dropLast() + ["##s "])
        },
        vocabulary("T30 canonical twins", .read("itive")) {
            joined(pieces.dropLast(2) + ["\u{E9}", "e\u{301}"])
        },
        vocabulary("T30 a byte order mark", .refused("byte order mark")) {
            [0xEF, 0xBB, 0xBF] + joined(pieces)
        },
        vocabulary("T31 ten million pieces", .refused("vocab.txt")) {
            joined(pieces) + (0..<10_000_000).flatMap { Array("\($0)\n".utf8) }
        },
    ]

    private static let long: [Case] = [
        Case("T23 a line of a gigabyte", predict, .refused(65, ["texts.txt", "16"])) { bench in
            try SmallModel().write(to: bench["teacher"])
            try bench.write("a film", "texts.txt")
            truncate(bench["texts.txt"].path, 1 << 30)
        },
        Case("T32 a vocabulary of another casing", predict, .read("itive")) { bench in
            try SmallModel().write(to: bench["teacher"])
            try bench.edit("teacher/tokenizer_config.json") { $0["do_lower_case"] = .bool(false) }
            try bench.remove("teacher/tokenizer.json")
            try bench.write("A FILM\n", "texts.txt")
        },
    ]

    static let textCases = odd + tables + vocabularies + long
}
