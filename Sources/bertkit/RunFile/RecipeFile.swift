import Diagnostics
import Distillation
import Yams

/// A recipe written by a person: YAML with a name and stages, as a resolved recipe is written.
enum RecipeFile {
    /// - Throws: `Failure` that names the place.
    static func read(_ path: String) throws(Failure) -> Recipe {
        let text = try RunFile.read(path)
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw Failure(.badData, path, "not YAML: \(RunFile.explain(error))")
        }
        let reader = Reader(path: path)
        var name: String?
        var stages: [RecipeStage]?
        for (key, value, place) in try reader.pairs(
            root,
            "a recipe is a mapping of name and stages"
        ) {
            switch key {
            case "name": name = try reader.scalar(value, key, place)
            case "stages":
                var found: [RecipeStage] = []
                for node in try reader.items(value, key, place) {
                    found.append(try reader.stage(node))
                }
                stages = found
            default: throw reader.unknown(key, place, ["name", "stages"])
            }
        }
        guard let stages, !stages.isEmpty else {
            throw Failure(.badData, path, "a recipe needs 'stages', at least one")
        }
        let plain = (name ?? "own").filter {
            $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-")
        }
        return Recipe(name: plain.isEmpty ? "own" : plain, stages: stages)
    }
}

/// The nodes of one file, with messages that name the line.
private struct Reader {
    let path: String

    func failure(_ place: String, _ reason: String, remedy: String? = nil) -> Failure {
        Failure(.badData, path, place + reason, remedy: remedy)
    }

    func unknown(_ key: String, _ place: String, _ known: [String]) -> Failure {
        let nearest = nearestName(to: key, in: known).map { ", did you mean '\($0)'?" } ?? ""
        return failure(
            place,
            "unknown key '\(printable(key))'\(nearest)",
            remedy: "Known keys: \(known.joined(separator: ", "))"
        )
    }

    func pairs(
        _ node: Node?,
        _ expectation: String
    ) throws(Failure) -> [(key: String, value: Node, place: String)] {
        guard case .mapping(let mapping) = node else {
            throw failure(node.map(place) ?? "", expectation)
        }
        var pairs: [(key: String, value: Node, place: String)] = []
        for (key, value) in mapping {
            guard case .scalar(let scalar) = key else {
                throw failure(place(key), "a key must be a word")
            }
            pairs.append((scalar.string.replacing("_", with: "-"), value, place(key)))
        }
        return pairs
    }

    func items(_ node: Node, _ key: String, _ place: String) throws(Failure) -> [Node] {
        guard case .sequence(let sequence) = node else {
            throw failure(place, "'\(key)' must be a list")
        }
        return Array(sequence)
    }

    func scalar(_ node: Node, _ key: String, _ place: String) throws(Failure) -> String {
        switch node {
        case .scalar(let scalar): return scalar.string
        case .sequence(let sequence):
            // A layer map may be a list.
            return try sequence.map { (item) throws(Failure) in try scalar(item, key, place) }
                .joined(separator: ",")
        default: throw failure(place, "'\(printable(key))' takes one value")
        }
    }

    func stage(_ node: Node) throws(Failure) -> RecipeStage {
        var stage = RecipeStage(name: "stage", objectives: [])
        let pairs = try pairs(node, "a stage is a mapping")
        for (key, value, place) in pairs {
            if key == "objectives" {
                for item in try items(value, key, place) {
                    stage.objectives.append(try objective(item))
                }
                continue
            }
            let text = try scalar(value, key, place)
            try set(key, place) { (key) throws(RecipeValueError) in
                try stage.set(key, to: text)
            } otherwise: {
                stage.entries.map(\.key) + ["objectives"]
            }
        }
        // Which keys a stage reads depends on its others; of variants the command line may still make some.
        let read = stage.entries.map(\.key) + ["objectives"]
        let later = stage.data == .task ? ["variants"] : []
        if let (key, _, place) = pairs.first(where: { !(read + later).contains($0.key) }) {
            throw failure(
                place,
                "'\(key)' is a key of other stages than this one",
                remedy: "This one reads \(read.joined(separator: ", "))"
            )
        }
        return stage
    }

    private func objective(_ node: Node) throws(Failure) -> RecipeObjective {
        let pairs = try pairs(node, "an objective is a mapping with its 'kind'")
        guard let (_, value, kindPlace) = pairs.first(where: { $0.key == "kind" }) else {
            throw failure(place(node), "an objective needs its 'kind'")
        }
        let name = try scalar(value, "kind", kindPlace)
        let names = RecipeObjective.Kind.allCases.map(\.rawValue)
        guard let kind = RecipeObjective.Kind(rawValue: name) else {
            let nearest = nearestName(to: name, in: names).map { ", did you mean '\($0)'?" } ?? ""
            throw failure(
                kindPlace,
                "unknown objective '\(printable(name))'\(nearest)",
                remedy: "Objectives: \(names.joined(separator: ", "))"
            )
        }
        var objective = RecipeObjective(kind)
        for (key, value, place) in pairs where key != "kind" {
            let text = try scalar(value, key, place)
            try set(key, place) { (key) throws(RecipeValueError) in
                try objective.set(key, to: text)
            } otherwise: {
                objective.entries.map(\.key)
            }
        }
        return objective
    }

    private func set(
        _ key: String,
        _ place: String,
        _ body: (String) throws(RecipeValueError) -> Bool,
        otherwise known: () -> [String]
    ) throws(Failure) {
        do throws(RecipeValueError) {
            guard try body(key) else { throw RecipeValueError(expectation: "") }
        } catch {
            if error.expectation.isEmpty { throw unknown(key, place, known()) }
            throw failure(place, "'\(key)' \(error.expectation)")
        }
    }

    func place(_ node: Node) -> String { node.mark.map { "line \($0.line): " } ?? "" }
}
