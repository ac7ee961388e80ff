public import Diagnostics
import Foundation

/// A `.keras` archive: a zip of a configuration, the weights as HDF5, and the task's vocabulary.
public struct KerasArchive: Sendable {
    /// The archive, as the user spelled it.
    public let source: String
    private let archive: ZipArchive

    /// The largest configuration or vocabulary that is read into memory.
    private static let largestText = 64 << 20

    public init(path: String) throws(Failure) {
        archive = try ZipArchive(OpenFile(path: path))
        source = path
    }

    /// The weights, from a copy of the HDF5 file that is on the disk for as long as they are used.
    public func weights() throws(Failure) -> HDF5ObjectsStore {
        guard let entry = archive["model.weights.h5"] else {
            throw Failure(.badData, source, "this archive has no model.weights.h5")
        }
        let copy = FileManager.default.temporaryDirectory
            .appending(path: "bertkit-\(UUID().uuidString).h5")
        // The open file stays readable without its name.
        defer { try? FileManager.default.removeItem(at: copy) }
        try archive.check(entry)
        let extent = try archive.extent(of: entry)
        let output = try OutputFile(creating: copy.path)
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { piece.deallocate() }
        for offset in stride(from: 0, to: entry.byteCount, by: piece.count) {
            let part = UnsafeMutableRawBufferPointer(
                rebasing: piece[..<min(piece.count, entry.byteCount - offset)]
            )
            try extent.file.read(at: extent.offset + offset, into: part)
            try output.write(UnsafeRawBufferPointer(part), at: offset)
        }
        try output.close()
        return try HDF5ObjectsStore(
            copy: copy.path,
            of: source,
            layout: "Keras archive (.keras)"
        )
    }

    /// The model's configuration, `config.json`.
    public func configuration() throws(Failure) -> JSONValue {
        try JSONValue.parse(text("config.json"), source: source)
    }

    private static let vocabularyNames = [
        "assets/preprocessor/tokenizer/vocabulary.txt", "assets/tokenizer/vocabulary.txt",
    ]

    public var hasVocabulary: Bool { Self.vocabularyNames.contains { archive[$0] != nil } }

    /// The vocabulary: one piece a line.
    public func vocabulary() throws(Failure) -> [UInt8] {
        guard let name = Self.vocabularyNames.first(where: { archive[$0] != nil }) else {
            throw Failure(.badData, source, "this archive has no vocabulary")
        }
        return try text(name)
    }

    private func text(_ name: String) throws(Failure) -> [UInt8] {
        guard let entry = archive[name] else {
            throw Failure(.badData, source, "this archive has no \(name)")
        }
        return try archive.bytes(of: entry, limit: Self.largestText)
    }
}
