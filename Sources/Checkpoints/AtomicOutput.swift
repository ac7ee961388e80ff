public import Diagnostics
public import Foundation
import Glibc

/// Files and folders that appear under their final name only when they are complete.
///
/// Everything is written to `.NAME.tmp-PID-RANDOM` beside the final name, put on the disk, renamed,
/// and the renaming is put on the disk as well. When anything fails the temporary is removed, and
/// whatever had the final name before is untouched.
public enum AtomicOutput {
    /// Refuses an output that cannot be written, before any work is done for it.
    public static func check(_ url: URL, force: Bool) throws(Failure) {
        _ = try existing(url, force: force, wantsFolder: nil)
    }

    /// Writes one file.
    ///
    /// - Parameters:
    ///   - force: whether a file of that name may be replaced.
    ///   - write: creates and fills the file at the URL it is given.
    public static func file(
        _ url: URL,
        force: Bool,
        _ write: (_ temporary: URL) throws(Failure) -> Void
    ) throws(Failure) {
        try output(url, force: force, isFolder: false, write)
    }

    /// Writes one file of known content.
    public static func file(
        _ url: URL,
        force: Bool,
        content: some ContiguousBytes
    ) throws(Failure) {
        try file(url, force: force) { (temporary) throws(Failure) in
            try writeNewFile(content, to: temporary)
        }
    }

    /// Writes one folder.
    ///
    /// - Parameters:
    ///   - force: whether a folder of that name may be replaced. It is, with all its content, but
    ///     only when the new one is complete.
    ///   - fill: puts the files into the folder at the URL it is given, which exists and is empty.
    public static func folder(
        _ url: URL,
        force: Bool,
        _ fill: (_ temporary: URL) throws(Failure) -> Void
    ) throws(Failure) {
        try output(url, force: force, isFolder: true) { (temporary) throws(Failure) in
            guard mkdir(temporary.path, 0o755) == 0 else {
                throw systemFailure(.cannotCreate, url.relativePath, "the folder cannot be created")
            }
            try fill(temporary)
        }
    }

    private static func output(
        _ url: URL,
        force: Bool,
        isFolder: Bool,
        _ write: (URL) throws(Failure) -> Void
    ) throws(Failure) {
        let final = url.standardizedFileURL
        let exists = try existing(url, force: force, wantsFolder: isFolder)
        let parent = final.deletingLastPathComponent()
        do {
            try FileManager.default.createDirectory(
                at: parent,
                withIntermediateDirectories: true
            )
        } catch {
            throw Failure(
                .cannotCreate,
                url.relativePath,
                "the folder \(printable(parent.path)) that is to hold it cannot be created"
            )
        }
        removeLeftovers(of: final.lastPathComponent, in: parent)
        let random = String(UInt64.random(in: 0 ... .max), radix: 36)
        let temporary = parent.appending(
            path: ".\(final.lastPathComponent).tmp-\(getpid())-\(random)"
        )
        do throws(Failure) {
            try write(temporary)
            try synchronizeTree(temporary, isFolder: isFolder)
            try moveIntoPlace(
                temporary,
                final,
                named: url.relativePath,
                replacing: exists
            )
        } catch {
            try? FileManager.default.removeItem(at: temporary)
            // The temporary's name means nothing to the user.
            throw Failure(
                error.kind,
                error.subject.replacing(temporary.path, with: url.relativePath),
                error.reason,
                remedy: error.remedy
            )
        }
        if exists { try? FileManager.default.removeItem(at: temporary) }
        try synchronize(parent.path)
    }

    /// Whether something of that name exists and may be replaced.
    private static func existing(
        _ url: URL,
        force: Bool,
        wantsFolder: Bool?
    ) throws(Failure) -> Bool {
        var status = stat()
        guard lstat(url.path, &status) == 0 else {
            guard errno == ENOENT else {
                throw systemFailure(.cannotCreate, url.relativePath, "it cannot be created")
            }
            return false
        }
        guard force else {
            throw Failure(
                .cannotCreate,
                url.relativePath,
                "it exists already",
                remedy: "Choose another name, or replace it with --force"
            )
        }
        let isFolder = status.st_mode & S_IFMT == S_IFDIR
        if isFolder, wantsFolder != false { try checkIsModel(url) }
        if let wantsFolder, wantsFolder != isFolder {
            throw Failure(
                .cannotCreate,
                url.relativePath,
                wantsFolder
                    ? "it exists and is not a folder" : "it exists and is a folder, not a file"
            )
        }
        return true
    }

    /// Removes what processes that were killed have left of the same output.
    private static func removeLeftovers(of name: String, in parent: URL) {
        let prefix = ".\(name).tmp-"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent.path)) ?? []
        for name in names where name.hasPrefix(prefix) {
            let owner = name.dropFirst(prefix.count).prefix { $0 != "-" }
            guard let process = pid_t(owner), process > 0, kill(process, 0) != 0, errno == ESRCH
            else { continue }
            try? FileManager.default.removeItem(at: parent.appending(path: name))
        }
    }

    /// Refuses to replace a folder of other things: one that is neither empty nor a model's.
    private static func checkIsModel(_ url: URL) throws(Failure) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        // A package of Core ML has a manifest.
        let isModel = names.contains("config.json") || names.contains("Manifest.json")
        guard names.isEmpty || isModel else {
            throw Failure(
                .cannotCreate,
                url.relativePath,
                "it is a folder without a model (config.json): --force does not replace it",
                remedy: "Choose another name, or remove the folder yourself"
            )
        }
    }

    private static func synchronizeTree(_ url: URL, isFolder: Bool) throws(Failure) {
        if isFolder {
            let names: [String]
            do {
                names = try FileManager.default.contentsOfDirectory(atPath: url.path)
            } catch {
                throw Failure(.inputOutput, url.path, "the folder cannot be listed")
            }
            for name in names.sorted() {
                let child = url.appending(path: name)
                var status = stat()
                guard lstat(child.path, &status) == 0 else {
                    throw systemFailure(.inputOutput, child.path, "it cannot be examined")
                }
                switch status.st_mode & S_IFMT {
                case S_IFDIR: try synchronizeTree(child, isFolder: true)
                case S_IFREG: try synchronize(child.path)
                default: continue
                }
            }
        }
        try synchronize(url.path)
    }

    /// Renames; what is replaced ends under the temporary's name, so that at no moment there is
    /// nothing under the final one.
    private static func moveIntoPlace(
        _ temporary: URL,
        _ final: URL,
        named name: String,
        replacing: Bool
    ) throws(Failure) {
        let problem = rename2(
            temporary.path,
            final.path,
            replacing ? RenameFlag.exchange : RenameFlag.noReplace
        )
        switch problem {
        case 0: return
        case EEXIST:
            throw Failure(.cannotCreate, name, "it came into being while it was written")
        case EINVAL, ENOSYS:
            // A file system without these flags: a replaced folder must be moved away first.
            try moveIntoPlaceByRenaming(
                temporary,
                final,
                named: name,
                replacing: replacing
            )
        default:
            errno = problem
            throw systemFailure(.inputOutput, name, "it cannot be given its name")
        }
    }

    /// `RENAME_NOREPLACE` and `RENAME_EXCHANGE` of the kernel.
    private enum RenameFlag {
        static let noReplace: UInt32 = 1
        static let exchange: UInt32 = 2
    }

    /// Linux's `renameat2`, which glibc declares only to C programs that ask for its extensions;
    /// the answer is `errno`, 0 for success.
    private static func rename2(_ from: String, _ to: String, _ flags: UInt32) -> Int32 {
        typealias RenameAt2 =
            @convention(c) (
                Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32
            ) -> Int32
        guard let symbol = dlsym(nil, "renameat2") else { return ENOSYS }
        let renameAt2 = unsafeBitCast(symbol, to: RenameAt2.self)
        return renameAt2(AT_FDCWD, from, AT_FDCWD, to, flags) == 0 ? 0 : errno
    }

    private static func moveIntoPlaceByRenaming(
        _ temporary: URL,
        _ final: URL,
        named name: String,
        replacing: Bool
    ) throws(Failure) {
        let old = temporary.path + ".old"
        if replacing, rename(final.path, old) != 0 {
            throw systemFailure(.inputOutput, name, "it cannot be replaced")
        }
        guard rename(temporary.path, final.path) == 0 else {
            let failure = systemFailure(.inputOutput, name, "it cannot be given its name")
            if replacing { rename(old, final.path) }
            throw failure
        }
        if replacing { try? FileManager.default.removeItem(atPath: old) }
    }
}
