import Checkpoints
import Diagnostics
import Foundation
import Glibc
import Testing

private let old = Data("old".utf8)
private let new = Data("new".utf8)
private let broken = Failure(.inputOutput, "somewhere", "broken")

@Suite struct `Atomic output` {
    @Test func `a file appears complete, alone, and with a parent that did not exist`() throws {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "a/b/file.txt")
            try AtomicOutput.file(url, force: false, content: new)
            #expect(try Data(contentsOf: url) == new)
            #expect(try names(in: url.deletingLastPathComponent()) == ["file.txt"])
        }
    }

    @Test func `an existing file or folder is refused, and replaced only with force`() throws {
        try withTemporaryFolder { folder in
            let file = folder.appending(path: "file")
            try old.write(to: file)
            let refused = try failure {
                try AtomicOutput.file(file, force: false, content: new)
            }
            #expect(refused.kind == .cannotCreate)
            #expect(refused.description.contains("--force"))
            #expect(try failure { try AtomicOutput.check(file, force: false) } == refused)
            #expect(try Data(contentsOf: file) == old)
            try AtomicOutput.check(file, force: true)
            try AtomicOutput.file(file, force: true, content: new)
            #expect(try Data(contentsOf: file) == new)

            let output = folder.appending(path: "output")
            for content in [old, new] {
                try AtomicOutput.folder(output, force: true) { (temporary) throws(Failure) in
                    try writeNewFile(content, to: temporary.appending(path: "config.json"))
                }
            }
            #expect(try failure { try fill(output, force: false) }.kind == .cannotCreate)
            #expect(try Data(contentsOf: output.appending(path: "config.json")) == new)
            #expect(try names(in: folder) == ["file", "output"])
        }
    }

    @Test func `force replaces no folder of other things`() throws {
        try withTemporaryFolder { folder in
            try old.write(to: folder.appending(path: "thesis.txt"))
            let refused = try failure { try fill(folder, force: true) }
            #expect(refused.kind == .cannotCreate)
            #expect(refused.reason.contains("without a model"))
            #expect(try failure { try AtomicOutput.check(folder, force: true) } == refused)
            #expect(try Data(contentsOf: folder.appending(path: "thesis.txt")) == old)
        }
    }

    @Test func `what a killed process left of the same output goes, and nothing else`() throws {
        try withTemporaryFolder { folder in
            // No process has the highest number there is.
            let left = [".output.tmp-4194999-a", ".other.tmp-4194999-a", ".output.tmp-1-a"]
            for name in left {
                try FileManager.default.createDirectory(
                    at: folder.appending(path: name),
                    withIntermediateDirectories: false
                )
            }
            try fill(folder.appending(path: "output"), force: false)
            #expect(try names(in: folder) == [left[1], left[2], "output"].sorted())
        }
    }

    private func fill(_ url: URL, force: Bool) throws(Failure) {
        try AtomicOutput.folder(url, force: force) { (_) throws(Failure) in }
    }

    @Test func `a failure leaves nothing new and everything old`() throws {
        try withTemporaryFolder { folder in
            let output = folder.appending(path: "output")
            let write = { (force: Bool) in
                try failure {
                    try AtomicOutput.folder(output, force: force) { (temporary) throws(Failure) in
                        try writeNewFile(new, to: temporary.appending(path: "config.json"))
                        throw broken
                    }
                }
            }
            #expect(try write(false) == broken)
            #expect(try names(in: folder) == [])
            try AtomicOutput.folder(output, force: false) { (temporary) throws(Failure) in
                try writeNewFile(old, to: temporary.appending(path: "config.json"))
            }
            #expect(try write(true) == broken)
            #expect(try names(in: folder) == ["output"])
            #expect(try Data(contentsOf: output.appending(path: "config.json")) == old)
        }
    }

    @Test func `a file is not replaced by a folder, nor a folder by a file`() throws {
        try withTemporaryFolder { folder in
            let file = folder.appending(path: "file")
            try old.write(to: file)
            #expect(try failure { try fill(file, force: true) }.reason.contains("not a folder"))
            #expect(
                try failure { try AtomicOutput.file(folder, force: true, content: new) }.reason
                    .contains("is a folder")
            )
            #expect(try Data(contentsOf: file) == old)
        }
    }

    @Test func `what comes into being meanwhile is not overwritten`() throws {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "file")
            let failure = try failure {
                try AtomicOutput.file(url, force: false) { (temporary) throws(Failure) in
                    try writeNewFile(new, to: temporary)
                    try writeNewFile(old, to: url)
                }
            }
            #expect(failure.kind == .cannotCreate)
            #expect(try Data(contentsOf: url) == old)
            #expect(try names(in: folder) == ["file"])
        }
    }

    @Test func `a place that cannot be written is one sentence about the output`() throws {
        try withTemporaryFolder { folder in
            let file = folder.appending(path: "file")
            try old.write(to: file)
            let inside = file.appending(path: "output")
            let failure = try failure { try fill(inside, force: false) }
            #expect(failure.kind == .cannotCreate)
            #expect(failure.subject == inside.path)
        }
        #expect(
            try failure { try fill(URL(filePath: "/proc/x/y"), force: false) }.kind == .cannotCreate
        )
    }

    @Test func `a full disk leaves nothing of a model's folder, and the old one whole`() async {
        await #expect(processExitsWith: .success) {
            signal(SIGXFSZ, SIG_IGN)
            try withTemporaryFolder { folder in
                let output = folder.appending(path: "output")
                try writeSample(to: output)
                let before = try Data(contentsOf: output.appending(path: "tf_model.h5"))
                // config.json is the first file too large at 1000, tf_model.h5 at the others.
                for limit in [0, 1000, 4096, before.count - 1] {
                    var bound = rlimit(rlim_cur: rlim_t(limit), rlim_max: .max)
                    // RLIMIT_FSIZE, which Swift does not import.
                    guard setrlimit(__rlimit_resource_t(1), &bound) == 0 else { exit(2) }
                    for (url, force) in [(output, true), (folder.appending(path: "two"), false)] {
                        do throws(Failure) {
                            try writeSample(to: url, force: force)
                            exit(3)
                        } catch {
                            guard error.kind == .inputOutput || error.kind == .cannotCreate,
                                error.reason.contains("File too large"),
                                !error.description.contains(".tmp-")
                            else { exit(4) }
                        }
                        guard try names(in: folder) == ["output"] else { exit(5) }
                        guard
                            try Data(contentsOf: output.appending(path: "tf_model.h5")) == before
                        else { exit(6) }
                    }
                }
            }
        }
    }
}
