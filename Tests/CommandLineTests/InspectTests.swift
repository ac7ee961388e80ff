import Foundation
import TestSupport
import Testing

@Suite("bertkit inspect")
struct InspectTests {
    private static let teacher = Fixtures.shared?.appending(path: "teachers/minilm-sst2").path ?? ""

    @Test(
        "Says what a real teacher is",
        .enabled(if: Fixtures.shared != nil, "needs the shared teacher")
    )
    func teacher() throws {
        let text = try Command.run("inspect", Self.teacher)
        #expect(text.code == 0)
        #expect(text.error.isEmpty)
        #expect(text.output.contains("sequence-classification head"))

        let json = try Command.run("inspect", Self.teacher, "--format", "json")
        #expect(json.code == 0)
        let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8))
        let summary = try #require(object as? [String: Any])
        let tensors = try #require(summary["tensors"] as? [[String: Any]])
        let names = try #require(tensors.map { $0["canonicalName"] as? String } as? [String])
        #expect(names.contains("encoder.layer.5.output.dense.weight"))
        let bytes = tensors.compactMap { $0["bytes"] as? Int }.reduce(0, +)
        #expect(summary["tensorBytes"] as? Int == bytes)
        let again = try Command.run("inspect", Self.teacher, "--format", "json")
        #expect(again.output == json.output)
    }

    @Test("A path that is not there, an empty folder and a foreign file are one sentence each")
    func badPaths() throws {
        let missing = try Command.run("inspect", "/nowhere/model")
        #expect(missing.code == 66)
        #expect(missing.errorLines.count == 1)

        try Folder.temporary { folder in
            let empty = try Command.run("inspect", folder.path)
            #expect(empty.code == 66)
            #expect(empty.errorLines.count == 1)
            #expect(empty.error.contains(folder.path))

            let file = folder.appending(path: "tf_model.h5")
            let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
            for content in ["not a checkpoint", pointer, ""] {
                try Data(content.utf8).write(to: file)
                let foreign = try Command.run("inspect", file.path)
                #expect(foreign.code == 65)
                #expect(foreign.output.isEmpty)
                #expect(foreign.errorLines.count == 1)
                #expect(foreign.error.contains("tf_model.h5"))
            }
        }
    }
}
