import ArgumentParser

/// What a student's weights are before distillation.
enum StudentStart: ExpressibleByArgument, Equatable {
    /// Drawn from the seed.
    case random
    /// The teacher's embeddings and some of its layers, numbered from 0; without numbers, layers
    /// evenly spaced over the teacher's.
    case teacherLayers([Int]?)
    /// A model folder.
    case folder(String)

    init?(argument: String) {
        let mark = "teacher-layers"
        if argument == "random" {
            self = .random
        } else if argument == mark {
            self = .teacherLayers(nil)
        } else if argument.hasPrefix(mark + ":") {
            var layers: [Int] = []
            let list = argument.dropFirst(mark.count + 1)
            for part in list.split(separator: ",", omittingEmptySubsequences: false) {
                guard let layer = Int(part), (0..<1024).contains(layer) else { return nil }
                layers.append(layer)
            }
            self = .teacherLayers(layers)
        } else if argument.isEmpty {
            return nil
        } else {
            self = .folder(argument)
        }
    }

    var defaultValueDescription: String {
        switch self {
        case .random: "random"
        case .teacherLayers(nil): "teacher-layers"
        case .teacherLayers(let layers?):
            "teacher-layers:" + layers.map(String.init).joined(separator: ",")
        case .folder(let path): path
        }
    }
}
