import Datasets
import Diagnostics
import Evaluation
import Foundation
import Report
import Testing

@Suite struct PageTests {
    private func model(_ name: String, _ logits: [Float], bytes: Int) -> ModelMeasurement {
        ModelMeasurement(
            name: name,
            logits: logits,
            parameterCount: bytes / 4,
            parameterCountWithoutEmbeddings: bytes / 8,
            bytesOnDisk: bytes,
            flopsPerToken: 1,
            seconds: Double(bytes) * 1e-6,
            tokenCount: 100,
            exampleCount: logits.count / 2
        )
    }

    private func page(label: String = "yes", text: String = "a text") throws -> String {
        let targets = (0..<40).map { Float($0 % 2) }
        func logits(_ wrong: Int) -> [Float] {
            (0..<40).flatMap { ($0 % 2 == 1) != ($0 % wrong == 0) ? [Float(0), 2] : [1.5, 0] }
        }
        let report = try ComparisonReport(
            kind: .classification(labels: ["no", label]),
            targets: targets,
            teacher: model("large", logits(10), bytes: 90_000_000),
            students: [
                model("small", logits(5), bytes: 9_000_000),
                model("tiny", logits(3), bytes: 900_000),
            ],
            temperature: 1,
            facts: ExampleFacts(
                data: "dev.tsv",
                lengths: (0..<40).map { $0 },
                text: { _ in text }
            )
        )
        return ReportPage(title: "Two students", comparisons: [report]).html
    }

    /// The elements of a page in the order they open; fails where they do not close in order.
    private func elements(_ html: String) throws -> [(name: String, attributes: String)] {
        var open: [String] = []
        var found: [(name: String, attributes: String)] = []
        for match in html.matches(of: /<(\/?)([a-z0-9]+)([^>]*)>/) {
            let (name, isEnd) = (String(match.output.2), !match.output.1.isEmpty)
            if isEnd {
                #expect(open.popLast() == name)
            } else {
                found.append((name, String(match.output.3)))
                if name != "meta" { open.append(name) }
            }
        }
        #expect(open.isEmpty)
        return found
    }

    @Test func `elements close in order, identifiers are single, headings go down by one`() throws {
        let elements = try elements(try page())
        let identifiers = elements.compactMap {
            $0.attributes.firstMatch(of: /id="([^"]+)"/)?.output.1
        }
        #expect(Set(identifiers).count == identifiers.count && identifiers.count > 10)
        let levels = elements.compactMap { element in
            element.name.firstMatch(of: /^h([1-6])$/).flatMap { Int($0.output.1) }
        }
        #expect(levels.first == 1 && levels.count { $0 == 1 } == 1)
        #expect(zip(levels, levels.dropFirst()).allSatisfy { $1 <= $0 + 1 })
    }

    @Test func `every chart is described, every table has a caption and headers`() throws {
        let html = try page()
        let elements = try elements(html)
        for element in elements where element.name == "svg" {
            #expect(element.attributes.contains(#"role="img""#))
            let names = try #require(element.attributes.firstMatch(of: /aria-labelledby="([^"]+)"/))
            for name in names.output.1.split(separator: " ") {
                #expect(html.contains("id=\"\(name)\">"))
            }
        }
        #expect(elements.count { $0.name == "svg" } >= 6)
        #expect(elements.count { $0.name == "caption" } == elements.count { $0.name == "table" })
        #expect(elements.filter { $0.name == "th" }.allSatisfy { $0.attributes.contains("scope=") })
    }

    @Test func `nothing is fetched and nothing is run`() throws {
        let html = try page()
        for part in ["http:", "https:", "<script", "<link", "url(", "@import", "<img", " on"] {
            #expect(!html.contains(part) || part == " on", "\(part)")
        }
        #expect(html.utf8.count < 100_000)
        #expect(html.contains("prefers-color-scheme: dark") && html.contains("@media print"))
    }

    @Test func `texts of the data cannot become markup`() throws {
        let evil = #"</td><script>alert("1")</script> & <b>"#
        let html = try page(label: #"<i>"yes"&"#, text: evil + "\u{0}\u{1b}[31m")
        #expect(!html.contains("<script") && !html.contains("<b>") && !html.contains("<i>"))
        #expect(
            html.contains("&lt;script&gt;") && !html.contains("\u{0}") && !html.contains("\u{1b}")
        )
        _ = try elements(html)
    }

    @Test func `numbers in the charts are the report's`() throws {
        let html = try page()
        #expect(
            html.contains("large: 90 MB, 0.9, 444 k examples a second")
                || html.contains("large: 90 MB, 0.9")
        )
        #expect(html.contains("Size against accuracy") && html.contains("Reliability of tiny"))
        #expect(html.contains("small keeps ") && html.contains("tiny loses "))
    }
}
