import Diagnostics

/// What is wrong with a file, as the end of a sentence about it.
struct Damage: Error {
    enum Kind {
        /// The bytes contradict the format.
        case damaged
        /// The file is whole, and has something that a weights file does not, or that is not read.
        case refused(remedy: String?)
        /// The system did not give the bytes.
        case unread
    }

    let what: String
    let kind: Kind

    private init(_ what: String, _ kind: Kind) {
        (self.what, self.kind) = (what, kind)
    }

    init(_ what: String) { self.init(what, .damaged) }

    static func refused(_ what: String, remedy: String? = nil) -> Damage {
        Damage(what, .refused(remedy: remedy))
    }

    /// A rare form of what HDF5's own tool can write in a common one.
    static func unsupported(_ what: String) -> Damage {
        refused(
            "\(what), which BertKit does not read",
            remedy: "Rewrite it with \"h5repack\""
        )
    }

    static func unread(_ what: String) -> Damage { Damage(what, .unread) }

    /// The same about an object of the file: `the dataset "/values"`.
    func inside(_ object: String) -> Damage {
        switch kind {
        case .damaged: Damage("\(object): \(what)", kind)
        case .refused: Damage("\(object) \(what)", kind)
        case .unread: self
        }
    }

    func failure(_ path: String) -> Failure {
        switch kind {
        case .damaged:
            Failure(.badData, path, "damaged: \(what)", remedy: "Fetch or copy it again")
        case .refused(let remedy): Failure(.badData, path, what, remedy: remedy)
        case .unread: Failure(.inputOutput, path, what)
        }
    }
}
