public import Bert
public import Diagnostics

extension Recipe {
    /// Which layers every stage matches, for a person to see before anything is trained.
    ///
    /// - Throws: `Failure` of kind `.usage` for layers that these models do not have.
    public func layerTable(
        student: BertConfiguration?,
        teacher task: BertConfiguration,
        general: BertConfiguration? = nil
    ) throws(Failure) -> TextTable {
        var table = TextTable([
            .init("stage"), .init("objective"), .init("weight", .right),
            .init("student layer", .right),
            .init("teacher layer", .right), .init("how"),
        ])
        for stage in stages {
            let teacher = stage.predictsPieces ? general ?? task : task
            for objective in stage.objectives where objective.weight > 0 {
                let weight = "\(objective.weight)"
                let how = objective.entries
                    .filter { !["kind", "weight", "map", "teacher-layer"].contains($0.key) }
                    .map { "\($0.key) \($0.value)" }.joined(separator: ", ")
                let layers =
                    try objective.layerObjective(student: student, teacher: teacher)?.pairs ?? []
                for (index, pair) in layers.enumerated() {
                    table.append([
                        stage.name, objective.kind.rawValue, weight, "\(pair.student)",
                        "\(pair.teacher)", index == 0 ? how : "",
                    ])
                }
                if layers.isEmpty {
                    table.append([stage.name, objective.kind.rawValue, weight, "", "", how])
                }
            }
        }
        return table
    }
}
