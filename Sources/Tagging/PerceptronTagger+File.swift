import CEnglishTagger
import Checkpoints
import Datasets
public import Diagnostics
public import Foundation

extension PerceptronTagger {
    /// Reads a tagger's file.
    ///
    /// - Throws: `Failure` for a file that is missing, not a tagger's, of another version, cut or damaged.
    public init(contentsOf url: URL) throws(Failure) {
        let name = url.relativePath
        let size = try? url.resourceValues(forKeys: [.fileSizeKey]).fileSize
        guard size ?? 0 <= TaggerFile.largestByteCount else {
            throw Failure(.limit, name, "it has \(size ?? 0) bytes, too many for a tagger")
        }
        self = try TaggerFile.tagger(readBytes(path: name), name: name)
    }

    /// - Parameter name: what error sentences call the bytes.
    public init(bytes: [UInt8], name: String) throws(Failure) {
        self = try TaggerFile.tagger(bytes, name: name)
    }

    /// The file's bytes: the same for the same training data, seed and epochs.
    public var fileBytes: [UInt8] { TaggerFile.bytes(of: self) }

    /// Writes the file; it appears only when it is complete.
    ///
    /// - Parameter force: whether a file of that name may be replaced.
    public func write(to url: URL, force: Bool) throws(Failure) {
        try AtomicOutput.file(url, force: force, content: fileBytes)
    }

    /// The bytes of ``english`` as they are built in.
    package static var englishBytes: [UInt8] {
        Array(
            UnsafeBufferPointer(
                start: bk_english_tagger(),
                count: bk_english_tagger_byte_count()
            )
        )
    }

    /// The tagger of English that is built in, trained on the training part of the Universal Dependencies
    /// English Web Treebank (CC BY-SA 4.0; `fixtures/tagger/README.md` has its provenance).
    public static let english: PerceptronTagger = {
        do throws(Failure) {
            return try PerceptronTagger(bytes: englishBytes, name: "the tagger of English")
        } catch {
            preconditionFailure(error.description)
        }
    }()
}
