import Foundation
import Testing

@Suite("bertkit sweep")
struct SweepTests {
    private static let base = """
        base:
          teacher: @teacher
          train: @train.tsv
          dev: @dev.tsv
          epochs: 1
          batch_size: 8
          learning-rate: 1e-2
          max-length: 16
        """

    private func write(_ bench: Workbench, _ grid: String, base: String = base) throws {
        try bench.write(
            (base + "\n" + grid).replacing("@", with: bench.folder.path + "/"),
            "grid.yaml"
        )
    }

    private func json(_ bench: Workbench) throws -> [[String: Any]] {
        let object = try JSONSerialization.jsonObject(
            with: Data(bench.text("sweep/sweep.json").utf8)
        )
        let report = try #require(object as? [String: Any])
        return try #require(report["runs"] as? [[String: Any]])
    }

    private static let grid = """
        grid:
          shape:
            - {layers: 1, hidden: 8, heads: 2, intermediate: 12}
            - {layers: 2, hidden: 12, heads: 2, intermediate: 20}
          init: ["slim:leading", random]
        """

    @Test("Every combination is run, compared, and not run again")
    func resumes() throws {
        try Workbench.temporary { bench in
            try write(bench, Self.grid)
            let line = "sweep --grid @grid.yaml --output @sweep"
            let first = try bench.run(line)
            try #require(first.code == 0, "\(first.error)")
            #expect(
                first.error.contains("run 4 of 4: layers 2, hidden 12, heads 2, intermediate 20")
            )
            #expect(!first.error.contains("done before"))
            let runs = try json(bench)
            #expect(runs.count == 4)
            let fronts = runs.count { $0["isOnFront"] as? Bool == true }
            #expect(fronts >= 1)
            let table = first.output.split(separator: "\n")
            #expect(table.count == 6)
            #expect(table.count { $0.hasPrefix("*") } == fronts)
            for run in runs {
                let name = try #require(run["name"] as? String)
                #expect(try bench.names(in: "sweep/\(name)").contains("tf_model.h5"))
            }
            let lines = try bench.text("sweep/sweep.tsv").split(separator: "\n")
            #expect(lines.count == 5)
            #expect(lines[0].hasPrefix("layers\thidden\theads\tintermediate\tinit\trun\tfront\t"))
            // The same teacher's answers served all runs.
            #expect(try bench.names(in: "sweep/cache").count == 1)
            #expect(first.error.contains("teacher's answers: 40 of 40 from "))

            let before = try bench.snapshot()
            let again = try bench.run(line)
            #expect(again.code == 0)
            #expect(again.output == first.output)
            #expect(again.error.split(separator: "\n").count { $0.hasPrefix("done before") } == 4)
            #expect(try bench.snapshot() == before)

            // Another input is another run.
            try bench.replace("film", with: "plot", in: "train.tsv")
            let other = try bench.run(line)
            #expect(other.code == 0 && !other.error.contains("done before"))
        }
    }

    @Test("A run that fails is in the table, and the others go on")
    func failures() throws {
        try Workbench.temporary { bench in
            try write(bench, "grid:\n  layers: [1, 3, 2]\n")
            let outcome = try bench.run("sweep --grid @grid.yaml --output @sweep --quiet")
            #expect(outcome.code == 65)
            #expect(outcome.errorLines.count == 1)
            #expect(outcome.error.contains("1 of 3 runs failed, as the table says"))
            #expect(outcome.output.contains("3 layers cannot be copied from a teacher of 2"))
            let runs = try json(bench)
            #expect(runs.map { $0["student"] is [String: Any] } == [true, false, true])
        }
    }

    @Test(
        "Mistakes in the grid stop the sweep before it begins",
        arguments: [
            ("gird:\n  layers: [1]\n", "unknown key 'gird'"),
            ("grid:\n  layer: [1]\n", "unknown key 'layer', did you mean 'layers'?"),
            ("grid:\n  layers: 1\n", "'layers' needs a list of values"),
            ("grid:\n  layers: []\n", "'layers' needs a list of values"),
            ("grid:\n  epochs: [1, 2]\n", "'epochs' is both in the base and in the grid"),
            (
                "grid:\n  a:\n    - {layers: 1}\n  layers: [1]\n",
                "two axes of the grid set 'layers'"
            ),
            ("grid:\n  output: [a]\n", "'output' is given"),
            ("grid:\n  layers: [{hidden: [1, 2]}]\n", "'hidden' takes one value, not a list"),
            ("grid: [1\n", "not YAML"),
        ]
    )
    func mistakes(_ grid: String, _ sentence: String) throws {
        try Workbench.temporary { bench in
            try write(bench, grid)
            let outcome = try bench.run("sweep --grid @grid.yaml --output @sweep")
            #expect(outcome.code == 65)
            #expect(outcome.error.contains(sentence), "\(outcome.error)")
            #expect(outcome.errorLines.count == 1)
            #expect(try !bench.names().contains("sweep"))
        }
    }

    @Test("A folder of other things is left alone")
    func foreignFolder() throws {
        try Workbench.temporary { bench in
            try write(bench, Self.grid)
            let outcome = try bench.run("sweep --grid @grid.yaml --output @teacher")
            #expect(outcome.code == 73)
            #expect(outcome.error.contains("there is no sweep.json in it"))
        }
    }
}
