import Diagnostics
import Testing

@Suite struct TextTableTests {
    private var table: TextTable {
        var table = TextTable([.init("name"), .init("count", .right), .init("note")])
        table.append(["a", "1", "x"])
        table.append(["long|er", "12,345", ""])
        return table
    }

    @Test func `columns are aligned under an underlined header`() {
        #expect(
            table.plain == """
                name      count  note
                ───────  ──────  ────
                a             1  x
                long|er  12,345

                """
        )
    }

    @Test func `Markdown escapes bars and marks alignment`() {
        #expect(
            table.markdown == """
                | name     |  count | note |
                | -------- | -----: | ---- |
                | a        |      1 | x    |
                | long\\|er | 12,345 |      |

                """
        )
    }

    @Test func `widths are those of a terminal`() {
        #expect(displayWidth("KL‖é–×") == 6)
        #expect(displayWidth("e\u{301}") == 1)
        #expect(displayWidth("模型") == 4)
        #expect(displayWidth("한ｗ😀") == 6)
        #expect(displayWidth("") == 0)
        var wide = TextTable([.init("模", .right), .init("é", .right)])
        wide.append(["x", "e\u{301}e"])
        #expect(wide.plain.split(separator: "\n").map { displayWidth(String($0)) } == [6, 6, 6])
    }

    @Test func `nothing printed can drive a terminal`() {
        var hostile = TextTable([.init("a\u{1B}[31m")])
        hostile.append(["b\nc\td\r\n"])
        #expect(hostile.plain.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 })
        #expect(hostile.plain.split(separator: "\n").count == 3)
    }
}
