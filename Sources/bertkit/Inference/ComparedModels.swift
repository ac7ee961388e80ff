import ArgumentParser
import Bert
import BiLSTM
import Datasets
import Diagnostics
import Evaluation
import Foundation
import Kernels

/// Which models are compared.
struct ComparedModels: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The teacher's model folder; may be left out where there is a student.",
            valueName: "dir"
        ),
        completion: .directory
    )
    var teacher: String?

    @Option(
        help: ArgumentHelp(
            "A student's model folder; may be given several times.",
            valueName: "dir"
        ),
        completion: .directory
    )
    var student: [String] = []

    @Option(
        help: ArgumentHelp(
            "Run every model in these numbers as well, each time as one more student: bf16, int8.",
            valueName: "precision,…"
        )
    )
    var precision = PrecisionList()

    func checkTogether() throws {
        if teacher == nil, student.isEmpty {
            throw ValidationError("Give '--teacher', '--student' or both")
        }
        for (index, path) in student.enumerated() where student[..<index].contains(path) {
            throw ValidationError("'--student' names '\(printable(path))' twice")
        }
    }

    /// A model whose weights have not been read yet.
    struct Candidate {
        /// What the report calls it.
        var name: String
        var folder: ClassifierFolder
        var precision: Precision = .f32
        /// Where its labels stand in another order than the first model's: the output that answers each of
        /// the first's classes.
        var outputOrder: [Int]?

        /// Its answers in the order of the first model's classes.
        func ordered(_ logits: [Float]) -> [Float] {
            guard let outputOrder else { return logits }
            return stride(from: 0, to: logits.count, by: outputOrder.count).flatMap { row in
                outputOrder.map { logits[row + $0] }
            }
        }
    }

    /// Opens every folder, the teacher's first, and checks that their heads answer alike.
    func open() throws(Failure) -> [Candidate] {
        var candidates: [Candidate] = []
        for (name, path) in zip(names, paths) {
            let folder = try ClassifierFolder.open(URL(filePath: path))
            if case .bilstm(let folder) = folder {
                for precision in precision.list {
                    try folder.configuration.checkRuns(in: precision)
                }
            }
            var order: [Int]?
            if let first = candidates.first {
                order = try Self.outputOrder(first.folder, folder, hasTeacher: teacher != nil)
            }
            // A vocabulary that does not fit is better found before anything has run.
            _ = try folder.loadVocabulary()
            candidates.append(Candidate(name: name, folder: folder, outputOrder: order))
        }
        return candidates.flatMap { candidate in
            [candidate]
                + precision.list.map {
                    Candidate(
                        name: "\(candidate.name), \($0.rawValue)"
                            + ($0.isAvailable ? "" : " as f32"),
                        folder: candidate.folder,
                        precision: $0,
                        outputOrder: candidate.outputOrder
                    )
                }
        }
    }

    private var paths: [String] { [teacher].compactMap(\.self) + student }

    /// The folders' own names where these tell the models apart, else the paths.
    private var names: [String] {
        let paths = paths
        let short = paths.map { URL(filePath: $0).standardizedFileURL.lastPathComponent }
        let names = Set(short).count == short.count ? short : paths
        // Only a student's path can be the teacher's as well.
        return names.enumerated().map { index, name in
            names[..<index].contains(name) ? "\(name) (student)" : name
        }
    }

    /// Matches labels by name.
    ///
    /// - Returns: where `folder` has the reference's labels in another order, the output that answers each.
    /// - Throws: `Failure` if the two do not answer the same.
    private static func outputOrder(
        _ reference: ClassifierFolder,
        _ folder: ClassifierFolder,
        hasTeacher: Bool
    ) throws(Failure) -> [Int]? {
        let (expected, found) = (reference.taskKind, folder.taskKind)
        let other =
            "\(hasTeacher ? "the teacher" : "the first student") "
            + "\(printable(reference.url.relativePath))"
        func answers(_ kind: TaskKind) -> String {
            switch kind {
            case .classification(let labels): labels.map(printable).joined(separator: ", ")
            case .regression: "a score"
            }
        }
        guard reference.head == folder.head else {
            throw Failure(
                .badData,
                folder.url.relativePath,
                "it has a \(folder.head.phrase), and \(other) has a \(reference.head.phrase)"
            )
        }
        switch (expected, found) {
        case (.regression, .regression): return nil
        case (.classification(let wanted), .classification(let own)):
            let (labels, names) = (wanted.map(bytes), own.map(bytes))
            if labels == names { return nil }
            let order = labels.compactMap { names.firstIndex(of: $0) }
            if order.count == names.count, Set(order).count == labels.count { return order }
        default: break
        }
        throw Failure(
            .badData,
            folder.url.relativePath,
            "its head answers \(answers(found)), but that of \(other) answers \(answers(expected))"
        )
    }

    /// Equal only if spelled alike, unlike strings.
    private static func bytes(_ label: String) -> [UInt8] { Array(label.utf8) }
}
