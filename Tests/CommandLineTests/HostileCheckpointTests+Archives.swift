import Foundation
import TestSupport
import Testing

/// Pickles and zip archives.
extension HostileCheckpointTests {
    private static func pickle(_ value: [UInt8]) -> @Sendable (Workbench) throws -> Void {
        { bench in
            let archive = PickleBuilder.archive(PickleBuilder.pickle(value))
            try bench.write(archive.bytes(), "model/pytorch_model.bin")
        }
    }

    static let pickles = [
        Case(
            "a pickle that runs a command",
            "bin",
            "\"os.system\"",
            prepare: pickle(
                PickleBuilder.global("os", "system") + PickleBuilder.tuple(PickleBuilder.text("id"))
                    + [0x52]
            )
        ),
        Case(
            "a pickle that evaluates",
            "bin",
            "\"builtins.eval\"",
            prepare: pickle(
                PickleBuilder.dictionary(
                    (
                        "a",
                        PickleBuilder.global("builtins", "eval")
                            + PickleBuilder.tuple(PickleBuilder.text("1")) + [0x52]
                    )
                )
            )
        ),
        // INST, which makes an object of any class.
        Case(
            "a pickle with another opcode",
            "bin",
            "opcode",
            prepare: pickle([0x28, 0x69, 0x61, 0x0A, 0x62, 0x0A])
        ),
        Case(
            "a pickle whose tensor lies outside its storage",
            "bin",
            "reaches past the storage's 6 elements",
            prepare: pickle(PickleBuilder.dictionary(("a", PickleBuilder.tensor(size: [2, 4]))))
        ),
        Case(
            "a pickle whose shape overflows",
            "bin",
            "more elements than can be counted",
            prepare: pickle(
                PickleBuilder.dictionary(
                    ("a", PickleBuilder.tensor(size: [1 << 40, 1 << 40], strides: [0, 0]))
                )
            )
        ),
    ]

    private static func zip(
        _ layout: String,
        _ name: String,
        _ change: @escaping @Sendable (inout ZipBuilder) -> Void
    ) -> @Sendable (Workbench) throws -> Void {
        { bench in
            let tensor = PickleBuilder.pickle(
                PickleBuilder.dictionary(("a", PickleBuilder.tensor()))
            )
            var archive =
                layout == "bin"
                ? PickleBuilder.archive(tensor)
                : ZipBuilder(try kerasEntries(bench.bytes("model/model.keras")))
            change(&archive)
            try bench.write(archive.bytes(), "model/\(name)")
        }
    }

    /// The entries of an archive whose entries are stored, by its own headers.
    private static func kerasEntries(_ bytes: [UInt8]) -> [ZipBuilder.Entry] {
        var entries: [ZipBuilder.Entry] = []
        var place = 0
        func number(_ offset: Int, _ count: Int) -> Int {
            bytes[place + offset..<place + offset + count].reversed().reduce(0) {
                $0 << 8 | Int($1)
            }
        }
        while number(0, 4) == 0x0403_4B50 {
            let (size, nameLength, extra) = (number(18, 4), number(26, 2), number(28, 2))
            let name = String(decoding: bytes[place + 30..<place + 30 + nameLength], as: UTF8.self)
            let start = place + 30 + nameLength + extra
            entries.append(ZipBuilder.Entry(name, Array(bytes[start..<start + size])))
            place = start + size
        }
        return entries
    }

    private static func named(_ name: String, _ archive: ZipBuilder) -> Int {
        archive.entries.firstIndex { String(decoding: $0.name, as: UTF8.self) == name } ?? 0
    }

    static let archives: [Case] =
        [("bin", "pytorch_model.bin"), ("keras_classifier_archive", "model.keras")]
        .flatMap { layout, name in
            [
                Case(
                    "\(name): an absolute name",
                    layout,
                    "/etc/passwd",
                    prepare: zip(layout, name) { $0.entries.append(.init("/etc/passwd", [1])) }
                ),
                Case(
                    "\(name): a name that leads out",
                    layout,
                    "../up",
                    prepare: zip(layout, name) { $0.entries.append(.init("../up", [1])) }
                ),
                Case(
                    "\(name): a name twice",
                    layout,
                    name,
                    prepare: zip(layout, name) { $0.entries.append($0.entries[0]) }
                ),
                Case(
                    "\(name): more bytes than there are",
                    layout,
                    name,
                    prepare: zip(layout, name) { $0.entries[0].byteCount = (1 << 31, 1 << 31) }
                ),
                Case(
                    "\(name): entries on top of each other",
                    layout,
                    name,
                    prepare: zip(layout, name) {
                        $0.entries[1].displacement = -$0.entries[0].bytes.count
                    }
                ),
                Case(
                    "\(name): another checksum",
                    layout,
                    name,
                    prepare: zip(layout, name) {
                        $0.entries[named("model.weights.h5", $0)].checksum = (7, 7)
                    }
                ),
            ]
        } + [
            Case(
                "pytorch_model.bin: a value that was changed",
                "bin",
                "pytorch_model.bin: ",
                prepare: {
                    var bytes = try $0.bytes("model/pytorch_model.bin")
                    bytes[bytes.count / 2] ^= 1
                    try $0.write(bytes, "model/pytorch_model.bin")
                }
            ),
            Case(
                "bert_model.ckpt: a value that was changed",
                "google",
                "is damaged: its checksum does not agree",
                file: "/bert_model.ckpt",
                prepare: {
                    let name = "model/bert_model.ckpt.data-00000-of-00001"
                    var bytes = try $0.bytes(name)
                    bytes[bytes.count / 2] ^= 1
                    try $0.write(bytes, name)
                }
            ),
            Case(
                "model.keras: weights that are compressed",
                "keras_classifier_archive",
                "model.keras",
                prepare: zip("keras", "model.keras") {
                    $0.entries[named("model.weights.h5", $0)].method = (8, 8)
                }
            ),
            Case(
                "model.keras: no weights",
                "keras_classifier_archive",
                "model.keras: this archive has no model.weights.h5",
                prepare: zip("keras", "model.keras") {
                    $0.entries.remove(at: named("model.weights.h5", $0))
                }
            ),
            Case(
                "model.keras: weights cut short",
                "keras_classifier_archive",
                "model.keras: truncated",
                prepare: zip("keras", "model.keras") {
                    let place = named("model.weights.h5", $0)
                    $0.entries[place] = .init(
                        "model.weights.h5",
                        Array($0.entries[place].bytes.prefix(4000))
                    )
                }
            ),
            Case(
                "model.keras: a configuration that is no JSON",
                "keras_classifier_archive",
                "model.keras: ",
                isInspected: true,
                prepare: zip("keras", "model.keras") {
                    $0.entries[named("config.json", $0)] = .init("config.json", Array("{".utf8))
                }
            ),
        ]
}
