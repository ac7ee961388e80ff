import ArgumentParser
import Distillation

/// What a student's weights are before distillation.
enum StudentStart: ExpressibleByArgument, Equatable {
    /// Drawn from the seed.
    case random
    /// The teacher's embeddings and some of its layers, numbered from 0; without numbers, layers
    /// evenly spaced over the teacher's.
    case teacherLayers([Int]?)
    /// The teacher's word embeddings, perhaps in fewer dimensions, in a student without its layers.
    case teacherEmbeddings
    /// The same as the teacher's layers in fewer dimensions.
    case slimmed(SlimmingMethod, [Int]?)
    /// A model folder.
    case folder(String)

    init?(argument: String) {
        let parts = argument.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            .map(String.init)
        switch parts[0] {
        case "random" where parts.count == 1: self = .random
        case "teacher-embeddings" where parts.count == 1: self = .teacherEmbeddings
        case "teacher-layers" where parts.count < 3:
            guard let layers = Self.layers(parts.dropFirst().first) else { return nil }
            self = .teacherLayers(layers)
        case "slim":
            guard parts.count > 1, let method = SlimmingMethod(rawValue: parts[1]),
                let layers = Self.layers(parts.dropFirst(2).first)
            else { return nil }
            self = .slimmed(method, layers)
        default:
            guard !argument.isEmpty else { return nil }
            self = .folder(argument)
        }
    }

    /// The numbers of a list; `.some(nil)` where there is no list or it is `uniform`.
    private static func layers(_ list: String?) -> [Int]?? {
        guard let list, list != "uniform" else { return .some(nil) }
        var layers: [Int] = []
        for part in list.split(separator: ",", omittingEmptySubsequences: false) {
            guard let layer = Int(part), (0..<1024).contains(layer) else { return .none }
            layers.append(layer)
        }
        return layers
    }

    var defaultValueDescription: String {
        func text(_ name: String, _ layers: [Int]?) -> String {
            layers.map { "\(name):" + $0.map(String.init).joined(separator: ",") } ?? name
        }
        return switch self {
        case .random: "random"
        case .teacherEmbeddings: "teacher-embeddings"
        case .teacherLayers(let layers): text("teacher-layers", layers)
        case .slimmed(let method, let layers): text("slim:\(method.rawValue)", layers)
        case .folder(let path): path
        }
    }

    static let allValueStrings =
        ["random", "teacher-layers", "teacher-embeddings"]
        + SlimmingMethod.allCases.map { "slim:\($0.rawValue)" }

    /// The teacher's layers that are listed.
    var layers: [Int]? {
        switch self {
        case .teacherLayers(let layers), .slimmed(_, let layers): layers
        case .random, .teacherEmbeddings, .folder: nil
        }
    }

    var isOfTeacherLayers: Bool {
        if case .teacherLayers = self { true } else { false }
    }
}
