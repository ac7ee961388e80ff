import Checkpoints
public import Diagnostics
public import Foundation
import Glibc
import Synchronization

/// The folder beside a run's output that holds its saved states while it goes on, `OUTPUT.training`, open
/// for one process.
///
/// What has no state in it is removed when nobody holds the folder any more.
///
/// A class because its identity is the lock.
public final class RunFolder: Sendable {
    public let url: URL
    private let descriptor: Int32
    /// Folders around it that were made for it, the innermost first.
    private let parents: [String]
    /// The number of the newest state, 0 without any; nil once the folder was given up.
    private let newestNumber: Mutex<Int?>

    static let suffix = ".training"
    static let lockName = "lock"
    /// What says which run it is.
    static let recordName = "run.json"

    /// The folder of what is written there.
    public static func url(beside output: URL) -> URL {
        let final = output.standardizedFileURL
        return final.deletingLastPathComponent()
            .appending(path: final.lastPathComponent + suffix)
    }

    /// What the folder says of its run.
    public static func record(in url: URL) -> URL { url.appending(path: recordName) }

    /// The two files that a run has in its folder before it has saved anything.
    public static func leftovers(of url: URL) -> (files: [String], folder: String) {
        ([recordName, lockName].map { url.appending(path: $0).path }, url.path)
    }

    /// Makes the folder where there is none, and takes it for this process.
    ///
    /// - Throws: `Failure` of kind `.cannotCreate` where another process has it, or it cannot be made.
    public init(opening url: URL) throws(Failure) {
        self.url = url
        var parents: [String] = []
        var parent = url.deletingLastPathComponent()
        while !FileManager.default.fileExists(atPath: parent.path), parent.path != "/" {
            parents.append(parent.path)
            parent.deleteLastPathComponent()
        }
        self.parents = parents
        descriptor = try Self.lock(url)
        newestNumber = Mutex(Self.numbers(in: url).max() ?? 0)
    }

    deinit {
        if newestNumber.withLock({ $0 }) != nil, !hasStates { clear() }
        close(descriptor)
    }

    private static func lock(_ url: URL) throws(Failure) -> Int32 {
        let path = url.appending(path: lockName).path
        // Whoever had it before may remove the file between its being opened and locked.
        for _ in 0..<100 {
            do {
                try FileManager.default.createDirectory(
                    at: url,
                    withIntermediateDirectories: true
                )
            } catch {
                throw Failure(
                    .cannotCreate,
                    url.relativePath,
                    "the folder for the run's states cannot be created"
                )
            }
            let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
            guard descriptor >= 0 else {
                if errno == ENOENT { continue }
                throw Failure(
                    .cannotCreate,
                    path,
                    "the lock cannot be created: \(String(cString: strerror(errno)))"
                )
            }
            // Some file systems have no locks; a run is not refused for that.
            if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
                close(descriptor)
                throw Failure(
                    .cannotCreate,
                    url.relativePath,
                    "another process is working on this run",
                    remedy: "Wait until it has ended, or choose another output"
                )
            }
            var (own, named) = (stat(), stat())
            if fstat(descriptor, &own) == 0, stat(path, &named) == 0, own.st_ino == named.st_ino,
                own.st_dev == named.st_dev
            {
                return descriptor
            }
            close(descriptor)
        }
        throw Failure(.cannotCreate, path, "the lock is removed again and again")
    }

    private static func name(_ number: Int) -> String {
        let digits = String(number)
        return "state-" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits + ".bin"
    }

    /// The numbers of the states that are there, in no order.
    private static func numbers(in url: URL) -> [Int] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        return names.compactMap { name in
            guard name.hasPrefix("state-"), name.hasSuffix(".bin") else { return nil }
            guard let number = Int(name.dropFirst(6).dropLast(4)), number > 0,
                Self.name(number) == name
            else { return nil }
            return number
        }
    }

    /// Whether a folder has states of a run.
    public static func hasStates(_ url: URL) -> Bool { !numbers(in: url).isEmpty }

    public var hasStates: Bool { Self.hasStates(url) }

    /// Saves a state as the newest, and when it is safe removes older ones.
    ///
    /// - Parameter count: how many are kept, this one included.
    /// - Throws: `Failure` where it cannot be written; those before it are as they were.
    public func save(
        _ content: some Codable,
        _ parts: [StatePart],
        keeping count: Int
    ) throws(Failure) {
        guard let newest = newestNumber.withLock({ $0 }) else {
            preconditionFailure("a state of a run that has ended")
        }
        let number = newest + 1
        try StateFile.write(content, parts, to: url.appending(path: Self.name(number)))
        newestNumber.withLock { $0 = number }
        for old in Self.numbers(in: url).sorted().dropLast(max(1, count)) {
            unlink(url.appending(path: Self.name(old)).path)
        }
    }

    /// The newest state that is as it was written; nil where there is none at all.
    ///
    /// - Parameter skipped: told why each newer one is passed over.
    /// - Throws: `Failure` where there are states, and none can be read.
    public func newest(_ skipped: (Failure) -> Void) throws(Failure) -> StateFile? {
        var failure: Failure?
        for number in Self.numbers(in: url).sorted(by: >) {
            do throws(Failure) {
                return try StateFile(verifying: url.appending(path: Self.name(number)).path)
            } catch {
                skipped(error)
                failure = error
            }
        }
        if let failure {
            throw Failure(
                failure.kind,
                url.relativePath,
                "none of its states can be read, the last because \(failure.reason)"
            )
        }
        return nil
    }

    /// Removes the states, and with them what half-written ones were left.
    public func removeStates() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        for name in names where name.hasPrefix("state-") || name.hasPrefix(".") {
            unlink(url.appending(path: name).path)
        }
        newestNumber.withLock { $0 = 0 }
    }

    /// Removes everything of the run, which has ended.
    public func clear() {
        removeStates()
        // From here on another process may have it.
        newestNumber.withLock { $0 = nil }
        let (files, folder) = Self.leftovers(of: url)
        for file in files { unlink(file) }
        // Where nothing else has come into them.
        for folder in [folder] + parents { rmdir(folder) }
    }
}
