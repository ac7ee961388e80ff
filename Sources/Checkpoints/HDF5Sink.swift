public import Diagnostics
import HDF5
import Synchronization
import Tensors

/// A text or a list of texts that a group of an HDF5 file has.
public struct HDF5Attribute: Sendable, Hashable {
    public enum Value: Sendable, Hashable {
        case text(String)
        case list([String])
    }

    /// The group's path without the leading slash; empty for the root.
    public let group: String
    public let name: String
    public let value: Value

    public init(_ group: String, _ name: String, _ value: Value) {
        self.group = group
        self.name = name
        self.value = value
    }
}

/// An HDF5 file whose tensors arrive in any order, from any thread.
///
/// The library writes the structure and closes the file; the values are then written at their
/// places without it. Compressed values go through the library, one tensor at a time.
public final class HDF5Sink: TensorSink {
    private let path: String
    /// Used inside `written`'s lock only.
    nonisolated(unsafe) private let compressed: HDF5Writer?
    private let plain: OutputFile?
    private let offsets: [String: Int]
    private let written: Mutex<[String: Int]>
    private let byteCounts: [String: Int]

    /// Creates the file with everything but the values.
    ///
    /// - Parameters:
    ///   - tensors: named by their paths without the leading slash; their groups are made.
    ///   - compression: gzip's level; `nil` for plain datasets.
    ///   - groups: groups that hold no tensor.
    ///   - attributes: texts and lists of texts.
    ///   - links: second names of tensors.
    /// - Precondition: no name occurs twice; the groups of attributes and links exist.
    public init(
        creating path: String,
        _ tensors: [TensorEntry],
        compression: Int? = nil,
        groups: [String] = [],
        attributes: [HDF5Attribute] = [],
        links: [(name: String, target: String)] = []
    ) throws(Failure) {
        self.path = path
        let writer = try HDF5Writer(creating: path)
        var all: Set<String> = []
        for name in tensors.map(\.name) + links.map(\.name) + groups.map({ $0 + "/" }) {
            let components = name.split(separator: "/", omittingEmptySubsequences: false)
            for count in 1..<max(1, components.count) {
                all.insert(components.prefix(count).joined(separator: "/"))
            }
        }
        // A group comes before those inside it.
        for group in all.sorted() { try writer.createGroup("/" + group) }
        for attribute in attributes {
            let group = "/" + attribute.group
            switch attribute.value {
            case .text(let text): try writer.write(text, attribute: attribute.name, of: group)
            case .list(let texts): try writer.write(texts, attribute: attribute.name, of: group)
            }
        }
        var offsets: [String: Int] = [:]
        for tensor in tensors {
            offsets[tensor.name] = try writer.createDataset(
                "/" + tensor.name,
                dimensions: tensor.shape.dimensions,
                elementType: tensor.elementType.hdf5,
                compression: compression
            )
        }
        for link in links { try writer.link("/" + link.target, as: "/" + link.name) }
        self.offsets = offsets
        byteCounts = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.byteCount) })
        written = Mutex([:])
        if compression == nil {
            try writer.close()
            let file = try OutputFile(opening: path)
            let ends = tensors.map { (offsets[$0.name] ?? 0) + $0.byteCount }
            // The library has given the file its length and no room on the disk yet.
            try file.reserve(byteCount: ends.max() ?? 0)
            plain = file
            compressed = nil
        } else {
            plain = nil
            compressed = writer
        }
    }

    public var wantsWholeTensors: Bool { compressed != nil }

    public func write(
        _ bytes: UnsafeRawBufferPointer,
        to name: String,
        at offset: Int
    ) throws(Failure) {
        if let plain, !bytes.isEmpty {
            guard let place = offsets[name] else {
                preconditionFailure("\(name) is not to be written")
            }
            try plain.write(bytes, at: place + offset)
        }
        try locked { (written, compressed) throws(Failure) in
            if let compressed {
                precondition(offset == 0 && bytes.count == byteCounts[name], "\(name) in pieces")
                try compressed.write(bytes, to: "/" + name)
            }
            written[name, default: 0] += bytes.count
        }
    }

    private func locked(
        _ body: (inout [String: Int], HDF5Writer?) throws(Failure) -> Void
    ) throws(Failure) {
        var failure: Failure?
        written.withLock { written in
            do throws(Failure) {
                try body(&written, compressed)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    public func finish() throws(Failure) {
        try plain?.close()
        try locked { (written, compressed) throws(Failure) in
            let missing = byteCounts.filter { written[$0.key, default: 0] != $0.value }.keys
            guard missing.isEmpty else {
                throw Failure(
                    .inputOutput,
                    path,
                    "not everything was written of "
                        + missing.sorted().map(printable).joined(separator: ", ")
                )
            }
            try compressed?.close()
        }
    }
}

extension ElementType {
    /// - Precondition: this is a type that is written.
    var hdf5: HDF5ElementType {
        switch self {
        case .float16: .float16
        case .bfloat16: .bfloat16
        case .float32: .float32
        case .int8: .integer(byteCount: 1, isSigned: true)
        default: preconditionFailure("\(rawValue) is not written to HDF5")
        }
    }
}
