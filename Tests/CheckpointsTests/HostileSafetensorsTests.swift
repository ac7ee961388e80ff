import Checkpoints
import Diagnostics
import Foundation
import Tensors
import Testing

/// A safetensors file of that header and so many bytes of data.
func safetensors(_ header: String, dataByteCount: Int = 0) -> [UInt8] {
    let header = Array(header.utf8)
    let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
    return length + header + (0..<dataByteCount).map { UInt8(truncatingIfNeeded: $0) }
}

func safetensorsTensor(_ type: String, _ shape: String, _ offsets: String) -> String {
    #"{"dtype":"\#(type)","shape":\#(shape),"data_offsets":\#(offsets)}"#
}

private func open(_ url: URL) throws -> any TensorStore {
    try SafetensorsStore(path: url.path)
}

@Suite struct `Hostile safetensors` {
    static let f32 = safetensorsTensor("F32", "[2]", "[0,8]")

    @Test(
        arguments: [
            (#"{}      "#, 0), (#"{"a":\#(f32)}"#, 8), (#"{"__metadata__":{},"a":\#(f32)}   "#, 8),
            // Scalars, and empty tensors wherever they lie.
            (#"{"a":\#(safetensorsTensor("I64", "[]", "[0,8]"))}"#, 8),
            (
                #"{"z":\#(safetensorsTensor("F16", "[0,5]", "[8,8]")),"b":\#(safetensorsTensor("I8", "[0]", "[0,0]")),"a":\#(f32)}"#,
                8
            ),
        ]
    ) func `odd but well-formed files open`(header: String, dataByteCount: Int) throws {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "x")
            try Data(safetensors(header, dataByteCount: dataByteCount)).write(to: url)
            try readEverything(SafetensorsStore(path: url.path))
        }
    }

    @Test(
        arguments: [
            ("", 0, "holds no JSON object"), ("{", 0, "holds no JSON object"),
            (#" {"a":\#(f32)}"#, 8, "does not begin with \"{\""),
            ("{}\n", 0, "other than spaces"), ("{}\0", 0, "other than spaces"),
            ("{}{}", 0, "other than spaces"), ("{]", 0, "a key that is not text"),
            (#"{"a":\#(f32),"a":\#(f32)}"#, 8, "the key \"a\" a second time"),
            ("{\"\u{e9}\":\(f32),\"e\u{301}\":\(f32)}", 8, "a second time"),
            (
                #"{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 8,
                "second time"
            ),
            (#"{"__metadata__":{"a":"b","a":"b"}}"#, 0, "the key \"a\" a second time"),
            (#"{"__metadata__":{"a":1}}"#, 0, "other than a text under \"a\""),
            (#"{"__metadata__":[]}"#, 0, "__metadata__ is not an object"),
            (#"{"":\#(f32)}"#, 8, "a tensor without a name"),
            (#"{"a":7}"#, 8, "other than an object"),
            (#"{"a":\#(safetensorsTensor("f32", "[2]", "[0,8]"))}"#, 8, "the unknown type \"f32\""),
            (
                #"{"a":\#(safetensorsTensor("F8_E4M3", "[8]", "[0,8]"))}"#, 8,
                "the unknown type \"F8_E4M3\""
            ),
            (#"{"a":{"dtype":7,"shape":[2],"data_offsets":[0,8]}}"#, 8, "a dtype that is no text"),
            (#"{"a":{"shape":[2],"data_offsets":[0,8]}}"#, 8, "has no dtype"),
            (#"{"a":{"dtype":"F32","data_offsets":[0,8]}}"#, 8, "has no shape"),
            (#"{"a":{"dtype":"F32","shape":[2]}}"#, 8, "has no two data_offsets"),
            (
                #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}}"#, 8,
                "unknown field \"x\""
            ),
            (#"{"a":\#(safetensorsTensor("F32", "2", "[0,8]"))}"#, 8, "a shape that is no list"),
            (
                #"{"a":\#(safetensorsTensor("F32", "[2.0]", "[0,8]"))}"#, 8,
                "other than whole numbers"
            ),
            (
                #"{"a":\#(safetensorsTensor("F32", "[2e0]", "[0,8]"))}"#, 8,
                "other than whole numbers"
            ),
            (
                #"{"a":\#(safetensorsTensor("F32", "[-2]", "[0,8]"))}"#, 8,
                "other than whole numbers"
            ),
            (
                #"{"a":\#(safetensorsTensor("F32", "[[2]]", "[0,8]"))}"#, 8,
                "other than whole numbers"
            ),
            (#"{"a":\#(safetensorsTensor("F32", "[02]", "[0,8]"))}"#, 8, "leading zeros"),
            (
                #"{"a":\#(safetensorsTensor("F32", "[18446744073709551616]", "[0,8]"))}"#, 8,
                "other than whole"
            ),
            (
                #"{"a":\#(safetensorsTensor("F32", "[1,1,1,1,1,1,1,1,2]", "[0,8]"))}"#, 8,
                "more than 8 numbers"
            ),
            (#"{"a":\#(safetensorsTensor("F32", "[2]", "[0]"))}"#, 8, "has no two data_offsets"),
            (#"{"a":\#(safetensorsTensor("F32", "[2]", "[0,8,8]"))}"#, 8, "more than 2 numbers"),
            (#"{"a":\#(safetensorsTensor("F32", "[2]", "[8,0]"))}"#, 8, "before it begins"),
            (
                #"{"a":\#(safetensorsTensor("F32", "[3]", "[0,8]"))}"#, 8,
                "takes 12 bytes, but its data_offsets span 8"
            ),
            // The product of the extents is 4 when it wraps.
            (
                #"{"a":\#(safetensorsTensor("I8", "[4194305,4194305,211106198978564]", "[0,4]"))}"#,
                4,
                "can be counted"
            ),
            (
                #"{"a":\#(safetensorsTensor("I8", "[0,4611686018427387904,4]", "[0,0]"))}"#, 0,
                "can be counted"
            ),
            (
                #"{"a":\#(f32),"b":\#(safetensorsTensor("F32", "[2]", "[4,12]"))}"#, 12,
                "inside the tensor before it"
            ),
            (#"{"a":\#(f32),"b":\#(f32)}"#, 8, "inside the tensor before it"),
            (
                #"{"a":\#(f32),"b":\#(safetensorsTensor("F32", "[2]", "[9,17]"))}"#, 17,
                "bytes 8 to 9 of the data"
            ),
            (#"{"a":\#(safetensorsTensor("F32", "[2]", "[1,9]"))}"#, 9, "bytes 0 to 1 of the data"),
            (#"{"a":\#(f32)}"#, 9, "1 bytes after the last tensor"),
            (#"{"a":\#(f32)}"#, 7, "truncated: the header declares 8 bytes of tensors"),
            (
                #"{"a":\#(safetensorsTensor("U8", "[9223372036854775807]", "[0,9223372036854775807]"))}"#,
                8,
                "truncated"
            ),
            ("{\"a\":" + String(repeating: "{\"a\":", count: 100), 0, "unknown field"),
            (
                "{\"a\":{\"shape\":" + String(repeating: "[", count: 9000), 0,
                "other than whole numbers"
            ),
        ]
    ) func `a header that breaks a rule is refused`(
        header: String,
        dataByteCount: Int,
        phrase: String
    ) throws {
        let failure = try refusal(of: safetensors(header, dataByteCount: dataByteCount), open: open)
        #expect(failure.kind == .badData)
        #expect(failure.reason.contains(phrase), "\(failure)")
    }

    @Test func `a length that is no header's is refused`() throws {
        for count in 0..<8 {
            let failure = try refusal(of: [UInt8](repeating: 1, count: count), open: open)
            #expect(failure.reason.contains(count == 0 ? "empty" : "truncated"), "\(failure)")
        }
        let header = Array(#"{"a":\#(Self.f32)}"#.utf8)
        for length in [100_000_001, UInt64(1) << 63, .max] {
            let bytes = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
            let failure = try refusal(of: bytes + header, open: open)
            #expect(failure.reason.contains("more than 100000000"), "\(failure)")
        }
        let failure = try refusal(of: [100, 0, 0, 0, 0, 0, 0, 0] + header, open: open)
        #expect(failure.reason.contains("truncated: the header has 100 bytes"), "\(failure)")
        var invalid = safetensors(#"{"a":\#(Self.f32)}"#, dataByteCount: 8)
        invalid[10] = 0xFF
        #expect(try refusal(of: invalid, open: open).reason.contains("not UTF-8"))
    }
}
