import Diagnostics
import Tensors

/// What both of PyTorch's formats come to: a state dict, and where its storages lie.
struct PyTorchContent {
    let heap: PickleHeap
    let stateDict: PyTorchStateDict
    let isBigEndian: Bool
    let archive: ZipArchive?
    /// Where each storage of the old format lies in the file.
    private let offsets: [String: Int]
    /// The archive's folder.
    private let root: String

    /// Reads the zip archive of PyTorch 1.6 and later.
    init(archive file: OpenFile) throws(Failure) {
        func refused(_ what: String, remedy: String? = nil) -> Failure {
            Failure(.badData, file.path, what, remedy: remedy)
        }
        let archive = try ZipArchive(file)
        let pickles = archive.entries.filter { entry in
            entry.name.split(separator: "/").count == 2 && entry.name.hasSuffix("/data.pkl")
        }
        guard let pickle = pickles.first, pickles.count == 1 else {
            throw refused(
                pickles.isEmpty
                    ? "this zip archive has no data.pkl: it is no PyTorch file"
                    : "this zip archive has several data.pkl"
            )
        }
        root = String(pickle.name.dropLast("/data.pkl".count))
        let prefix = root + "/"
        guard archive[prefix + "constants.pkl"] == nil,
            !archive.entries.contains(where: { $0.name.hasPrefix(prefix + "code/") })
        else {
            throw refused(
                "this is a TorchScript archive, a program and not only its tensors",
                remedy: "Load it with torch.jit.load and save its state_dict()"
            )
        }
        isBigEndian = try Self.isBigEndian(archive, archive[prefix + "byteorder"])
        let extent = try archive.extent(of: pickle)
        let range = extent.offset..<extent.offset + pickle.byteCount
        var machine = PickleMachine(PickleInput(file, range, part: pickle.name))
        let value = try machine.run()
        guard machine.input.position == range.upperBound else {
            throw machine.refused("the pickle ends before its file does")
        }
        heap = machine.heap
        stateDict = try PyTorchStateDict(value, heap, file.path)
        self.archive = archive
        offsets = [:]
    }

    private static func isBigEndian(
        _ archive: ZipArchive,
        _ entry: ZipArchive.Entry?
    ) throws(Failure) -> Bool {
        guard let entry else { return false }
        switch try archive.bytes(of: entry, limit: 16) {
        case Array("little".utf8): return false
        case Array("big".utf8): return true
        default:
            throw Failure(
                .badData,
                archive.file.path,
                "the archive's byteorder is neither \"little\" nor \"big\""
            )
        }
    }

    /// Reads the format before PyTorch 1.6: the pickles of a magic number, a version, a description of
    /// the machine, the state dict and the storages' keys; then for each key a count of eight bytes and
    /// the elements, always little-endian.
    init(legacy file: OpenFile) throws(Failure) {
        // 0x1950a86a20f9469cfc6c
        let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
        var input = PickleInput(file, 0..<file.byteCount)
        func pickle() throws(Failure) -> (PickleValue, PickleHeap) {
            var machine = PickleMachine(input)
            let value = try machine.run()
            input = machine.input
            return (value, machine.heap)
        }
        // Of another pickle, what it names is told before that it is not PyTorch's.
        let foreign = "this is a Python pickle, but none that torch.save wrote"
        guard try pickle().0 == .longInteger(magic) else {
            throw Failure(.badData, file.path, foreign, remedy: PickleMachine.remedy)
        }
        guard try pickle().0 == .integer(1001) else {
            throw Failure(.badData, file.path, "the version of PyTorch's old format is not 1001")
        }
        let (system, systemHeap) = try pickle()
        guard case .dictionary(let place) = system else {
            throw Failure(.badData, file.path, "the machine is not described by a dictionary")
        }
        guard
            !systemHeap.dictionaries[place].contains(where: {
                $0.key == .text("little_endian") && $0.value != .bool(true)
            })
        else {
            throw Failure(
                .badData,
                file.path,
                "this is PyTorch's old format as a big-endian machine wrote it, which is not read",
                remedy: PickleMachine.remedy
            )
        }
        let value: PickleValue
        (value, heap) = try pickle()
        stateDict = try PyTorchStateDict(value, heap, file.path)
        let (keys, keyHeap) = try pickle()
        guard case .list(let list) = keys else {
            throw Failure(.badData, file.path, "the storages' keys are no list")
        }
        offsets = try Self.offsets(keyHeap.lists[list], heap, &input)
        guard input.position == file.byteCount else {
            throw Failure(
                .badData,
                file.path,
                "\(file.byteCount - input.position) bytes after the last storage belong to none"
            )
        }
        isBigEndian = false
        archive = nil
        root = ""
    }

    private static func offsets(
        _ keys: [PickleValue],
        _ heap: PickleHeap,
        _ input: inout PickleInput
    ) throws(Failure) -> [String: Int] {
        var byKey: [String: PickleHeap.Storage] = [:]
        for storage in heap.storages {
            guard byKey.updateValue(storage, forKey: storage.key) ?? storage == storage else {
                throw input.problem(
                    "the storage \"\(printable(storage.key))\" has two types or sizes"
                )
            }
        }
        var offsets: [String: Int] = [:]
        for key in keys {
            guard case .text(let key) = key, let storage = byKey[key], offsets[key] == nil else {
                throw input.problem("a storage's key that no tensor has, or one twice")
            }
            let count = try input.number(8)
            guard count == UInt64(storage.elementCount),
                let byteCount = checkedByteCount([storage.elementCount], storage.elementType)
            else {
                throw input.problem(
                    "the storage \"\(printable(key))\" has \(count) elements, the pickle says "
                        + "\(storage.elementCount)"
                )
            }
            offsets[key] = input.position
            try input.skip(byteCount)
        }
        return offsets
    }

    /// Where a storage lies in the file, which holds exactly its bytes there.
    func offset(of storage: PickleHeap.Storage, _ file: OpenFile) throws(Failure) -> Int {
        func refused(_ what: String) -> Failure {
            Failure(.badData, file.path, "the storage \"\(printable(storage.key))\" \(what)")
        }
        guard let archive else {
            guard let offset = offsets[storage.key] else { throw refused("is not in the file") }
            return offset
        }
        guard let entry = archive["\(root)/data/\(storage.key)"] else {
            throw refused("is not in the archive")
        }
        guard let byteCount = checkedByteCount([storage.elementCount], storage.elementType),
            byteCount == entry.byteCount
        else {
            throw refused(
                "has \(storage.elementCount) elements of \(storage.elementType.rawValue), but "
                    + "\(entry.byteCount) bytes"
            )
        }
        return try archive.extent(of: entry).offset
    }
}
