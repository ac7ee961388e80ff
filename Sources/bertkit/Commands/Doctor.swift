import ArgumentParser
import Foundation
import Glibc
import HDF5
import Kernels

struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what BertKit runs on here: libraries, processor, kernels.",
        discussion: """
            Versions of the libraries, the processor's features that matter, and what computes \
            matrix products in each precision. A report of a bug or of a speed begins with it.

            BERTKIT_MATRIX_BACKEND=onednn or openblas chooses the library of matrix products.

            Examples:
              bertkit doctor
              bertkit doctor --json
            """
    )

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let report = MachineReport()
        if json { return try StandardOutput.write(json: report) }
        let rows = report.rows
        let width = rows.map(\.name.count).max() ?? 0
        let lines = rows.map { row in
            row.name + String(repeating: " ", count: width - row.name.count) + "  \(row.value)\n"
        }
        try StandardOutput.write(lines.joined())
    }
}

/// What `doctor` finds.
struct MachineReport: Encodable {
    let version = Tool.version
    let system: String
    let cpu: String
    /// The processor's, of those that kernels are chosen by.
    let features: [String]
    /// Processors this process may use: as many workers there are without `--workers`.
    let workers: Int
    /// In bytes.
    let memory: Int
    let availableMemory: Int?
    let kernels = MatrixBackend.loops
    /// What computes products, by precision.
    let products: [String: String]
    let hdf5 = LibraryVersions.hdf5
    let zlib = LibraryVersions.zlib
    let oneDNN = MatrixBackend.oneDNNVersion
    let openBLAS: String?
    let openBLASProblem: String?
    /// `BERTKIT_MATRIX_BACKEND`, where it is set.
    let matrixBackend = ProcessInfo.processInfo.environment["BERTKIT_MATRIX_BACKEND"]

    /// As `/proc/cpuinfo` spells them, and as people do.
    private static let known = [
        ("avx2", "AVX2"), ("fma", "FMA"), ("avx512f", "AVX-512"), ("avx512_vnni", "AVX-512 VNNI"),
        ("avx512_bf16", "AVX-512 BF16"), ("amx_tile", "AMX"), ("amx_bf16", "AMX BF16"),
        ("amx_int8", "AMX INT8"),
    ]

    init() {
        let machine = Machine(workers: WorkerPool.availableProcessors, .f32)
        cpu = machine.cpu
        workers = machine.workers
        let flags = Set(Machine.cpuFlags)
        features = Self.known.filter { flags.contains($0.0) }.map(\.1)
        memory = Int(ProcessInfo.processInfo.physicalMemory)
        availableMemory = Machine.availableMemory
        products = Dictionary(
            uniqueKeysWithValues: Precision.allCases.map { ($0.rawValue, $0.explanation) }
        )
        system = ProcessInfo.processInfo.operatingSystemVersionString
        switch MatrixBackend.openBLASDescription {
        case .success(let description): (openBLAS, openBLASProblem) = (description, nil)
        case .failure(let problem): (openBLAS, openBLASProblem) = (nil, problem.reason)
        }
    }

    var rows: [(name: String, value: String)] {
        var rows = [
            ("bertkit", version), ("system", system), ("processor", cpu),
            ("features", features.isEmpty ? "none that matter" : features.joined(separator: ", ")),
            ("workers", "\(workers)"),
            (
                "memory",
                Numbers.bytes(memory)
                    + (availableMemory.map { ", \(Numbers.bytes($0)) of it available" } ?? "")
            ),
            ("loops", kernels),
        ]
        rows += Precision.allCases.map { ("products, \($0.rawValue)", products[$0.rawValue] ?? "") }
        rows += [
            ("HDF5", hdf5), ("zlib", zlib),
            ("oneDNN", oneDNN ?? "none: this build was made without libdnnl-dev"),
            (
                "OpenBLAS",
                openBLAS ?? "cannot be loaded: \(openBLASProblem ?? ""). Install libopenblas-dev"
            ),
        ]
        if let matrixBackend { rows.append(("BERTKIT_MATRIX_BACKEND", matrixBackend)) }
        return rows
    }
}
