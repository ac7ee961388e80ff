/// What a file is, told by its first bytes and not by its name.
public enum FileKind: Sendable, Hashable, CaseIterable {
    case hdf5
    case safetensors
    case zip
    case pickle
    /// A JSON text that is an object.
    case json
    /// A model's graph in Protocol Buffers, told by its first fields.
    case onnx
    case gguf
    case gitLFSPointer
    case html
    case gzip
    case tar
    case empty
    /// Nothing but zeros where something should be.
    case zeros

    private static let hdf5Signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

    /// How many of the first bytes are looked at; a shorter file gives all it has.
    public static let headByteCount = 1024

    /// `nil` for what is none of these.
    public init?(head: [UInt8], byteCount: Int) {
        func isText(_ prefix: String, in bytes: some Sequence<UInt8>) -> Bool {
            bytes.lazy.map { (65...90).contains($0) ? $0 + 32 : $0 }.starts(with: prefix.utf8)
        }
        let text = head.drop { $0 == 0xEF || $0 == 0xBB || $0 == 0xBF || $0 <= 0x20 }
        guard byteCount > 0, !head.isEmpty else {
            self = .empty
            return
        }
        if head.starts(with: Self.hdf5Signature) {
            self = .hdf5
        } else if isText("version https://git-lfs.github.com/spec", in: head) {
            self = .gitLFSPointer
        } else if isText("<!doctype html", in: text) || isText("<html", in: text) {
            self = .html
        } else if head.starts(with: "GGUF".utf8) {
            self = .gguf
        } else if head.starts(with: [0x50, 0x4B, 0x03, 0x04]) {
            self = .zip
        } else if Self.isSafetensors(head) {
            self = .safetensors
        } else if head.starts(with: [0x1F, 0x8B]) {
            self = .gzip
        } else if head.count > 1, head[0] == 0x80, (2...5).contains(head[1]) {
            self = .pickle
        } else if head.count > 262, head[257..<262].elementsEqual("ustar".utf8) {
            self = .tar
        } else if head.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) })
            == UInt8(ascii: "{")
        {
            self = .json
        } else if head.count > 2, head[0] == 0x08, (1...32).contains(head[1]),
            [0x12, 0x3A, 0x42].contains(head[2])
        {
            // `ir_version`, then the producer, the graph or the operator sets.
            self = .onnx
        } else if !head.contains(where: { $0 != 0 }) {
            self = .zeros
        } else {
            return nil
        }
    }

    /// A header's length of at most 100 million bytes, and a header that begins like one.
    private static func isSafetensors(_ head: [UInt8]) -> Bool {
        guard head.count > 8, head[8] == UInt8(ascii: "{") else { return false }
        let length = head[..<8].reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        return length <= 100_000_000
    }

    /// Refuses a file because it is of this kind and not of another: "this is an HTML page, not …".
    public func failure(_ path: String, insteadOf expected: String) -> Failure {
        switch self {
        case .empty: Failure(.badData, path, "the file is empty")
        case .zeros:
            Failure(.badData, path, "this is not \(expected): it begins with zeros")
        case .gitLFSPointer:
            Failure(
                .badData,
                path,
                "this is a Git LFS pointer, not the file it stands for",
                remedy: remedy
            )
        default: Failure(.badData, path, "this is \(phrase), not \(expected)", remedy: remedy)
        }
    }

    private var phrase: String {
        switch self {
        case .hdf5: "an HDF5 file"
        case .safetensors: "a safetensors file"
        case .zip: "a zip archive (a .keras or PyTorch file, perhaps)"
        case .pickle: "a Python pickle"
        case .json: "a JSON text"
        case .onnx: "an ONNX graph, for ONNX Runtime"
        case .gguf: "a GGUF file, for llama.cpp"
        case .gitLFSPointer: "a Git LFS pointer"
        case .html: "an HTML page"
        case .gzip: "a gzip-compressed file"
        case .tar: "a tar archive"
        case .empty: "an empty file"
        case .zeros: "zeros"
        }
    }

    private var remedy: String? {
        switch self {
        case .gitLFSPointer: "Fetch the real file with \"git lfs pull\""
        case .html: "The download probably answered with an error or log-in page"
        case .gzip, .tar: "Unpack it first"
        case .onnx, .gguf: "Give the checkpoint that it was exported from"
        default: nil
        }
    }
}
