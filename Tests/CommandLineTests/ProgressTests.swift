import Dispatch
import Foundation
import Glibc
import Testing
import bertkit

@Suite("Progress on standard error")
struct ProgressTests {
    /// What a bar writes to a terminal while `body` drives it.
    private func onTerminal(isQuiet: Bool = false, _ body: (ProgressBar) -> Void) throws -> String {
        try drawn {
            body(ProgressBar("work", total: 1000, isQuiet: isQuiet, terminal: $0))
        }
    }

    /// What is written to a terminal of sixty columns.
    private func drawn(_ body: (Terminal) -> Void) throws -> String {
        // `posix_openpt` and its family are not in the module; these are the requests they make:
        // TIOCSPTLCK with 0 unlocks the other end, TIOCGPTN tells its number.
        let master = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        try #require(master >= 0)
        defer { close(master) }
        var lock: Int32 = 0
        try #require(ioctl(master, 0x4004_5431, &lock) == 0)
        var number: UInt32 = 0
        try #require(ioctl(master, 0x8004_5430, &number) == 0)
        let slave = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
        try #require(slave >= 0)
        var size = winsize(ws_row: 24, ws_col: 60, ws_xpixel: 0, ws_ypixel: 0)
        try #require(ioctl(slave, UInt(TIOCSWINSZ), &size) == 0)
        let terminal = Terminal(descriptor: slave)
        #expect(terminal.isInteractive)
        #expect(terminal.width == 60)
        body(terminal)
        close(slave)
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        var count = 0
        while count < bytes.count {
            let result = bytes[count...].withUnsafeMutableBytes {
                read(master, $0.baseAddress, $0.count)
            }
            guard result > 0 else { break }
            count += result
        }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    @Test("On a terminal one line is redrawn, seldom, and replaced by the summary")
    func redrawnLine() throws {
        let text = try onTerminal { bar in
            for completed in 1...1000 { bar.update(completed) }
            bar.note("a remark")
            bar.finish()
        }
        let redraws = text.components(separatedBy: "\r\u{1b}[K")
        // The first drawing, the clearing and redrawing around the remark, the closing.
        #expect((4...8).contains(redraws.count), "\(text.debugDescription)")
        #expect(redraws.dropFirst().dropLast().allSatisfy { $0.unicodeScalars.count <= 60 })
        #expect(redraws.contains("a remark\r\n"))
        let last = try #require(redraws.last)
        #expect(last.hasPrefix("work: 1,000 examples, "))
        #expect(last.hasSuffix(" examples/s\r\n"))
    }

    @Test("Elsewhere there are plain lines only")
    func plainLines() throws {
        try Folder.temporary { folder in
            let file = folder.appending(path: "log").path
            let descriptor = open(file, O_WRONLY | O_CREAT, 0o600)
            try #require(descriptor >= 0)
            let bar = ProgressBar(
                "work",
                total: 1000,
                terminal: Terminal(descriptor: descriptor)
            )
            for completed in 1...1000 { bar.update(completed) }
            bar.finish()
            close(descriptor)
            let text = try String(contentsOfFile: file, encoding: .utf8)
            #expect(!text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
            #expect(text.split(separator: "\n").count == 1)
            #expect(text.hasPrefix("work: 1,000 examples, "))
        }
    }

    @Test("Quiet is silent")
    func quiet() throws {
        let text = try onTerminal(isQuiet: true) { bar in
            bar.update(10)
            bar.note("a remark")
            bar.finish()
        }
        #expect(text.isEmpty)
    }

    @Test("Bytes may be told from any thread, and a little is not told at all")
    func bytes() throws {
        let text = try drawn { terminal in
            let progress = ByteProgress(
                "convert",
                byteCount: 100_000_000,
                isQuiet: false,
                terminal: terminal
            )
            DispatchQueue.concurrentPerform(iterations: 100) { progress.update($0 * 1_000_000) }
            progress.end()
        }
        #expect(text.hasPrefix("\r\u{1b}[Kconvert "))
        #expect(text.contains(" 0 %"))
        // The line is taken away, and nothing stays.
        #expect(text.hasSuffix("\r\u{1b}[K"))
        #expect(!text.contains("\n"))
        for (byteCount, isQuiet) in [(1_000_000, false), (100_000_000, true)] {
            let silent = try drawn { terminal in
                let progress = ByteProgress(
                    "convert",
                    byteCount: byteCount,
                    isQuiet: isQuiet,
                    terminal: terminal
                )
                progress.update(byteCount)
                progress.end()
            }
            #expect(silent.isEmpty)
        }
    }
}
