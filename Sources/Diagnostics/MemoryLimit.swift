import Glibc
import Synchronization

/// How much memory this process may take.
public enum MemoryLimit {
    private static let own = Atomic<Int>(0)

    /// In bytes: what was set, or else the machine's.
    public static var byteCount: Int {
        let value = own.load(ordering: .relaxed)
        return value > 0 ? value : machine
    }

    /// Whether the limit is the user's and not the machine's.
    public static var isSet: Bool { own.load(ordering: .relaxed) > 0 }

    /// Makes so many bytes the limit.
    public static func set(_ byteCount: Int) {
        own.store(byteCount, ordering: .relaxed)
    }

    /// The machine's memory, or that of the control group that this process is in, if it is less.
    public static let machine: Int = {
        let physical = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        let groups = [
            "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        ].compactMap(number)
        return groups.reduce(physical) { $1 > 0 ? min($0, $1) : $0 }
    }()

    /// The number that a file of the system holds; nil where it says `max`.
    private static func number(_ path: String) -> Int? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 32)
        guard fgets(&line, Int32(line.count), file) != nil else { return nil }
        let text = line.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }
        return Int(String(decoding: text, as: UTF8.self))
    }

    /// Refuses what needs more.
    ///
    /// - Parameters:
    ///   - subject: the file or work that needs it.
    ///   - what: what it is for, before the sizes: "the weights take".
    ///   - parts: what it is made of, for the message.
    /// - Throws: `Failure` of kind `.limit` with the numbers.
    public static func check(
        _ bytes: Int,
        _ subject: String,
        _ what: String,
        parts: String = "",
        remedy: String? = nil
    ) throws(Failure) {
        guard bytes > byteCount else { return }
        let limit = isSet ? "--memory-limit allows" : "this machine has"
        throw Failure(
            .limit,
            subject,
            "\(what) \(megabytes(bytes)) of memory\(parts), and \(limit) \(megabytes(byteCount))",
            remedy: remedy
        )
    }

    /// Bytes for a message, in whole megabytes.
    public static func megabytes(_ bytes: Int) -> String { "\((bytes + 999_999) / 1_000_000) MB" }
}
