import Checkpoints
import Foundation
import Glibc
import TestSupport

/// safetensors files that break the format's rules.
extension HostileFileTests {
    private static let name = "model/model.safetensors"
    private static let lines = [
        "inspect @\(name)", "convert @\(name) @out --to safetensors",
    ]

    private static func safetensors(
        _ description: String,
        _ answer: Answer,
        lines: [String] = lines,
        bytes: @escaping @Sendable (Workbench) throws -> [UInt8]
    ) -> Case {
        Case(description, lines, answer) { bench in
            try bench.add("safetensors", as: "model")
            try bench.write(bytes(bench), name)
        }
    }

    private static func file(_ header: [UInt8], _ data: Int) -> [UInt8] {
        HDF5Builder.number(UInt64(header.count)) + header + [UInt8](repeating: 0, count: data)
    }

    private static func header(
        _ description: String,
        _ answer: Answer,
        lines: [String] = lines,
        data: Int = 0,
        _ header: @escaping @Sendable () -> String
    ) -> Case {
        safetensors(description, answer, lines: lines) { _ in file(Array(header().utf8), data) }
    }

    private static func tensor(
        _ type: String = "F32",
        _ shape: String = "[1]",
        _ offsets: String = "[0,4]"
    ) -> String {
        #"{"dtype":"\#(type)","shape":\#(shape),"data_offsets":\#(offsets)}"#
    }

    private static let show = ["inspect @\(name)"]
    private static let refusal = Answer.refused("model.safetensors: ")

    private static let lengths: [Case] =
        (0...7).map { count in
            safetensors("S01 \(count) bytes", refusal) { _ in
                Array(HDF5Builder.number(8).prefix(count))
            }
        } + [
            safetensors("S02 a header of 0 bytes", refusal) { _ in HDF5Builder.number(0) },
            safetensors("S02 a header of 1 byte", refusal) { _ in HDF5Builder.number(1) + [0x7B] },
        ]
        + [100_000_001, 1 << 63, UInt64.max].map { count in
            safetensors("S03 a header of \(count) bytes", refusal) { _ in
                HDF5Builder.number(count) + Array("{}".utf8)
            }
        } + [
            safetensors("S04 a header past the end", refusal) { _ in
                HDF5Builder.number(1000) + Array("{}".utf8)
            }
        ]

    private static let texts: [Case] = [
        header("S05 a space before the header", refusal) { #" {"a":\#(tensor())}"# },
        header("S06 spaces behind the header", .read("a"), lines: show, data: 4) {
            #"{"a":\#(tensor())}   "#
        },
        header("S07 a NUL behind the header", refusal, data: 4) { "{\"a\":\(tensor())}\u{0}" },
        safetensors("S08 no UTF-8", refusal) { _ in
            file(Array("{\"".utf8) + [0xFF] + Array("\":\(tensor())}".utf8), 4)
        },
        header("S08 half of a surrogate pair", refusal, data: 4) { #"{"\ud800":\#(tensor())}"# },
        header("S09 a byte order mark", refusal, data: 4) { "\u{FEFF}{\"a\":\(tensor())}" },
        header("S10 100,000 brackets", refusal) {
            "{\"a\":" + String(repeating: "[", count: 100_000)
        },
        header("S11 a tensor twice", .refused("second time"), data: 8) {
            #"{"a":\#(tensor()),"a":\#(tensor("F32", "[1]", "[4,8]"))}"#
        },
        header("S11 a field twice", .refused("second time"), data: 4) {
            #"{"a":{"dtype":"F32","dtype":"F16","shape":[1],"data_offsets":[0,4]}}"#
        },
        header("S12 metadata that are no texts", .refused("__metadata__"), data: 4) {
            #"{"__metadata__":{"a":1},"a":\#(tensor())}"#
        },
        header("S13 an unknown type", .refused("unknown type"), data: 4) {
            #"{"a":\#(tensor("Q4"))}"#
        },
        header("S13 a type in small letters", .refused("unknown type"), data: 4) {
            #"{"a":\#(tensor("f32"))}"#
        },
        header("S14 no shape", .refused("shape"), data: 4) {
            #"{"a":{"dtype":"F32","data_offsets":[0,4]}}"#
        },
        header("S14 another field", refusal, data: 4) {
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1}}"#
        },
    ]

    private static let offsets: [Case] =
        [
            "[4,0]", "[-4,0]", "[0.0,4.0]", "[0,4e0]", #"["0","4"]"#, "[4]", "[0,4,8]",
            "[0,9007199254740993]", "[0,18446744073709551616]", "[0,99999999999999999999999]",
        ].map { offsets in
            header("S15 offsets \(offsets)", refusal, data: 4) {
                #"{"a":\#(tensor("F32", "[1]", offsets))}"#
            }
        } + [
            header("S16 tensors on each other", .refused("tensor before it"), data: 8) {
                #"{"a":\#(tensor("F32", "[1]", "[0,4]")),"b":\#(tensor("F32", "[1]", "[2,6]"))}"#
            },
            header("S17 a hole", refusal, data: 12) {
                #"{"a":\#(tensor("F32", "[1]", "[0,4]")),"b":\#(tensor("F32", "[1]", "[8,12]"))}"#
            },
            header("S18 a first tensor that is not at 0", refusal, data: 8) {
                #"{"a":\#(tensor("F32", "[1]", "[4,8]"))}"#
            },
            header("S19 bytes behind the last", refusal, data: 5) { #"{"a":\#(tensor())}"# },
            safetensors("S19 an archive behind the last", refusal) { _ in
                file(Array(#"{"a":\#(tensor())}"#.utf8), 4)
                    + ZipBuilder([.init("a", [1, 2, 3])]).bytes()
            },
            header("S20 a shape of another length", .refused("takes"), data: 4) {
                #"{"a":\#(tensor("F32", "[2]", "[0,4]"))}"#
            },
            header("S21 a product that wraps to 4", refusal, data: 4) {
                #"{"a":\#(tensor("F32", "[4611686018427387904,2,2,1]", "[0,4]"))}"#
            },
        ]

    private static func many(_ count: Int, _ byteCount: Int) -> String {
        "{"
            + (0..<count).map { index in
                let start = index * byteCount
                let shape = byteCount == 0 ? "[0]" : "[1]"
                return "\"t\(index)\":"
                    + tensor("F32", shape, "[\(start),\(start + byteCount)]")
            }.joined(separator: ",") + "}"
    }

    private static let counts: [Case] = [
        header("S22 a million tensors without values", refusal) { many(1_000_000, 0) },
        header("S23 a million tensors", refusal, data: 4_000_000) { many(1_000_000, 4) },
        header("S24 a name without letters", refusal, data: 4) {
            #"{"":\#(tensor())}"#
        },
        header("S24 a name of a megabyte", refusal, data: 4) {
            "{\"\(String(repeating: "a", count: 1 << 20))\":\(tensor())}"
        },
        header("S24 an escape in a name", .read(#"\u{1b}"#), lines: show, data: 4) {
            #"{"\u001b[31m":\#(tensor())}"#
        },
        header("S24 é in both forms", .refused("second time"), data: 8) {
            "{\"\u{E9}\":\(tensor()),\"e\u{301}\":\(tensor("F32", "[1]", "[4,8]"))}"
        },
        header("S25 a type of less than a byte", .refused("unknown type"), data: 4) {
            #"{"a":\#(tensor("F4"))}"#
        },
    ]

    private static func index(
        _ description: String,
        _ answer: Answer,
        _ change: @escaping @Sendable (Workbench, inout [String: String]) throws -> Void
    ) -> Case {
        Case(
            "S26 \(description)",
            ["inspect @model", "convert @model @out --to safetensors"],
            answer
        ) {
            bench in
            try bench.add("safetensors_sharded", as: "model")
            let name = "model/model.safetensors.index.json"
            try bench.editMap(name) { try change(bench, &$0) }
        }
    }

    private static let indexes: [Case] = [
        index("a shard in the folder above", .refused("is not the name of a file")) { bench, map in
            for key in map.keys { map[key] = "../model.safetensors" }
        },
        index("an absolute shard", .refused("is not the name of a file")) { _, map in
            for key in map.keys { map[key] = "/etc/passwd" }
        },
        index("a shard that is a link", .refused("model")) { bench, map in
            symlink("/etc/passwd", bench["model/link.safetensors"].path)
            for key in map.keys { map[key] = "link.safetensors" }
        },
        index("a shard that is not there", .refused(66, ["gone.safetensors"])) { _, map in
            if let key = map.keys.min() { map[key] = "gone.safetensors" }
        },
        index("a tensor that its shard lacks", .refused("nowhere")) { _, map in
            map["nowhere"] = map.values.min()
        },
    ]

    private static let numbers: [Case] =
        ["01", "+1", "1E400", "NaN", "1.", ".5", "0x1"].map { number in
            header("S28 the number \(number)", refusal, data: 4) {
                #"{"a":\#(tensor("F32", "[\(number)]"))}"#
            }
        } + [
            header("S27 NaN in every narrow type", .read("a"), lines: show, data: 4) {
                #"{"a":\#(tensor("F16", "[1]", "[0,2]")),"b":\#(tensor("BF16", "[1]", "[2,4]"))}"#
            },
            header("S29 a comment", refusal, data: 4) { #"{"a":\#(tensor())/* */}"# },
            header("S29 a comma at the end", refusal, data: 4) { #"{"a":\#(tensor()),}"# },
            header("S31 a million dimensions", refusal, data: 4) {
                let ones = String(repeating: "1,", count: 999_999) + "1"
                return #"{"a":\#(tensor("F32", "[\(ones)]"))}"#
            },
            Case("S32 a sparse terabyte", lines.suffix(1), refusal) { bench in
                try bench.add("safetensors", as: "model")
                let text = #"{"a":\#(tensor("F32", "[274877906944]", "[0,1099511627776]"))}"#
                try bench.write(file(Array(text.utf8), 0), name)
                truncate(bench[name].path, off_t(8 + text.utf8.count) + (1 << 40))
            },
        ]

    private static let cuts: [Case] = (1..<64).map { part in
        safetensors("S30 cut at \(part) of 64", refusal) {
            let file = try $0.bytes(name)
            return Array(file.prefix(file.count * part / 64))
        }
    }

    static let safetensorsCases = lengths + texts + offsets + counts + indexes + numbers + cuts
}

extension Workbench {
    /// Changes which shard has which tensor.
    fileprivate func editMap(_ name: String, _ change: (inout [String: String]) throws -> Void)
        throws
    {
        var map: [String: String] = [:]
        try edit(name) { members in
            guard case .object(let found)? = members["weight_map"] else { return }
            for (key, value) in found {
                if case .string(let shard) = value { map[key] = shard }
            }
        }
        try change(&map)
        try edit(name) { $0["weight_map"] = .object(map.mapValues { .string($0) }) }
    }
}
