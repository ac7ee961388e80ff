import Foundation
import TestSupport
import Testing

/// The guides' commands do what the guides say, as they stand there.
@Suite("Guides")
struct GuideTests {
    @Test("Every command runs", arguments: ["convert", "evaluate", "export"])
    func commands(_ guide: String) throws {
        let repository = Fixtures.folder.deletingLastPathComponent()
        let text = try String(
            contentsOf: repository.appending(path: "docs/guides/\(guide).md"),
            encoding: .utf8
        )
        let blocks = text.matches(of: /(?ms)^```sh\n(.*?)^```/).map { String($0.output.1) }
        #expect(blocks.count >= 4 && blocks.allSatisfy { $0.contains("bertkit ") })
        let outcome = try Command.shell(
            """
            set -euo pipefail
            export PATH="$(dirname "$BERTKIT"):$PATH"
            ln -s '\(Fixtures.folder.path)' fixtures
            \(blocks.joined())
            """
        )
        #expect(outcome.code == 0, "\(outcome.error)")
        switch guide {
        case "convert":
            #expect(outcome.output.contains("same model (tolerance 1.0e-04)"))
        case "evaluate":
            #expect(
                outcome.output.contains("95 % interval")
                    && outcome.output.contains(",student,speedUp,")
            )
        default:
            #expect(outcome.output.contains("positive\t"))
        }
    }
}
