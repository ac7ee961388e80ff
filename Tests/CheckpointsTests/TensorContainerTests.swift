import Checkpoints
import Diagnostics
import Foundation
import Testing

@Suite struct `Recognising containers` {
    @Test(
        arguments: [
            ("", "the file is empty"),
            ("version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "a Git LFS pointer"),
            ("<!DOCTYPE html><html>", "an HTML page, not a file of tensors"),
            ("\n  <HTML>", "an HTML page"), ("\u{1F}\u{8B}", "no file of tensors that is known"),
            ("hello", "no file of tensors that is known"), ("\0\0\0\0", "begins with zeros"),
        ]
    ) func `what holds no tensors is refused for what it is`(text: String, phrase: String) throws {
        let failure = try refusal(of: Array(text.utf8), named: "tf_model.h5")
        #expect(failure.kind == .badData)
        #expect(failure.reason.contains(phrase), "\(failure)")
    }

    @Test func `compressed files and archives are refused for what they are`() throws {
        #expect(try refusal(of: [0x1F, 0x8B, 8, 0]).reason.contains("a gzip-compressed file"))
        var tar = [UInt8](repeating: 0x61, count: 512)
        tar.replaceSubrange(257..<262, with: Array("ustar".utf8))
        #expect(try refusal(of: tar).reason.contains("a tar archive"))
    }

    @Test func `the content decides, not the name`() throws {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "tf_model.h5")
            try Data(safetensors("{}")).write(to: url)
            #expect(try TensorContainer.recognize(url) == .safetensors)
            #expect(try TensorContainer.open(url).layout == "safetensors")
        }
    }

    @Test func `a file that only calls itself safetensors gets its reader's reason`() throws {
        let failure = try refusal(
            of: [0, 0, 0, 0, 0, 0, 0, 1, 0x7B, 0x7D],
            named: "x.safetensors"
        )
        #expect(failure.reason.contains("more than 100000000"), "\(failure)")
    }

    @Test func `folders and what is not there are missing input`() throws {
        try withTemporaryFolder { folder in
            for url in [folder, folder.appending(path: "absent")] {
                let failure = try failure { _ = try TensorContainer.open(url) }
                #expect(failure.kind == .missingInput)
            }
        }
    }
}
