import Diagnostics
import Yams

/// A YAML file of distillations: options for all runs under `base`, and under `grid` the axes whose
/// every combination is a run.
///
/// An axis is an option with a list of values, or a name of the user's own with a list of mappings that
/// set several options together, as the sizes of a student.
struct SweepGrid {
    /// One run's options, beside those for all.
    struct Run {
        /// What tells it from the others, in the order of the axes.
        var settings: [Setting] = []
        var options: [String: [String]] = [:]
    }

    struct Setting: Hashable, Codable {
        var name: String
        var value: String
    }

    let base: [String: [String]]
    let runs: [Run]

    /// More would be a mistake.
    static let limit = 10_000

    init(path: String, table: OptionTable) throws(Failure) {
        let root: Node?
        do {
            root = try Yams.compose(yaml: RunFile.read(path))
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(.badData, path, "not YAML: \(RunFile.explain(error))")
        }
        guard case .mapping(let parts)? = root else {
            throw Failure(.badData, path, "expected a mapping with 'base' and 'grid'")
        }
        var base: [String: [String]] = [:]
        var runs = [Run()]
        for (key, value) in parts {
            switch key.string {
            case "base": base = try Self.options(value, path: path, table: table)
            case "grid": runs = try Self.runs(value, path: path, table: table)
            default:
                throw Failure(
                    .badData,
                    path,
                    "\(RunFile.place(of: key))unknown key '\(printable(key.string ?? ""))'",
                    remedy: "Known keys: base, grid"
                )
            }
        }
        for run in runs {
            for name in run.options.keys where base[name] != nil {
                throw Failure(.badData, path, "'\(name)' is both in the base and in the grid")
            }
        }
        (self.base, self.runs) = (base, runs)
    }

    private static func options(
        _ node: Node,
        path: String,
        table: OptionTable
    ) throws(Failure) -> [String: [String]] {
        guard case .mapping(let mapping) = node else {
            throw Failure(
                .badData,
                path,
                "\(RunFile.place(of: node))expected a mapping of option names to values"
            )
        }
        let options = try RunFile.options(mapping, path: path, table: table)
        guard options["output"] == nil else {
            throw Failure(
                .badData,
                path,
                "'output' is given, but each run has a folder of its own in that of the sweep",
                remedy: "Leave it out"
            )
        }
        return options
    }

    /// Every combination, the last axis changing fastest.
    private static func runs(
        _ node: Node,
        path: String,
        table: OptionTable
    ) throws(Failure) -> [Run] {
        guard case .mapping(let axes) = node else {
            throw Failure(
                .badData,
                path,
                "\(RunFile.place(of: node))'grid' is a mapping of options to lists of values"
            )
        }
        var runs = [Run()]
        for (key, value) in axes {
            let name = key.string ?? ""
            guard case .sequence(let items) = value, !items.isEmpty else {
                throw Failure(
                    .badData,
                    path,
                    "\(RunFile.place(of: key))'\(printable(name))' needs a list of values"
                )
            }
            var points: [Run] = []
            for item in items {
                points.append(try point(name, item, key: key, path: path, table: table))
            }
            guard runs.count * points.count <= limit else {
                throw Failure(.badData, path, "the grid has more than \(limit) runs")
            }
            var longer: [Run] = []
            for run in runs {
                for point in points {
                    if let twice = point.options.keys.first(where: { run.options[$0] != nil }) {
                        throw Failure(.badData, path, "two axes of the grid set '\(twice)'")
                    }
                    let options = run.options.merging(point.options) { $1 }
                    longer.append(Run(settings: run.settings + point.settings, options: options))
                }
            }
            runs = longer
        }
        return runs
    }

    /// One value of an axis.
    private static func point(
        _ name: String,
        _ item: Node,
        key: Node,
        path: String,
        table: OptionTable
    ) throws(Failure) -> Run {
        if case .mapping(let mapping) = item {
            let options = try Self.options(item, path: path, table: table)
            let names = mapping.compactMap { $0.key.string?.replacing("_", with: "-") }
            return Run(
                settings: names.compactMap { name in
                    options[name].map {
                        Setting(name: name, value: $0.joined(separator: ","))
                    }
                },
                options: options
            )
        }
        let options = try Self.options(
            .mapping(Node.Mapping([(key, item)])),
            path: path,
            table: table
        )
        guard let (name, texts) = options.first else {
            throw Failure(
                .badData,
                path,
                "\(RunFile.place(of: item))a value of '\(printable(name))' is empty"
            )
        }
        return Run(
            settings: [Setting(name: name, value: texts.joined(separator: ","))],
            options: options
        )
    }
}
