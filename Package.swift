// swift-tools-version: 6.2
import Foundation
import PackageDescription

/// oneDNN ships no pkg-config file, so its presence is decided by its header. Without it (or with
/// `BERTKIT_WITHOUT_ONEDNN` set) every matrix product goes through OpenBLAS.
let hasOneDNN: Bool = {
    if Context.environment["BERTKIT_WITHOUT_ONEDNN"] != nil { return false }
    return FileManager.default.fileExists(atPath: "/usr/include/dnnl.h")
}()

let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// What the library product holds, and what tests may import.
let libraryModules: [Target.Dependency] = [
    "Diagnostics", "Randomness", "Tensors", "HDF5", "Checkpoints", "Kernels", "Tokenization",
    "Bert", "BiLSTM", "Conversion", "Export", "Datasets", "Training", "Evaluation", "Distillation",
    "Tagging", "Augmentation", "Compression", "Provenance", "Report",
]

let package = Package(
    name: "BertKit",
    products: [
        .library(
            name: "BertKit",
            targets: [
                "Tensors", "HDF5", "Checkpoints", "Kernels", "Tokenization", "Bert", "BiLSTM",
                "Datasets", "Training", "Evaluation", "Distillation", "Diagnostics", "Randomness",
                "Conversion", "Export", "Tagging", "Augmentation", "Compression", "Provenance",
                "Report",
            ]
        ),
        .executable(name: "bertkit", targets: ["bertkit"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    ],
    targets: [
        .systemLibrary(name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "COpenBLAS"),
        .target(
            name: "COneDNN",
            cSettings: hasOneDNN ? [.define("BERTKIT_ONEDNN")] : [],
            linkerSettings: hasOneDNN ? [.linkedLibrary("dnnl")] : []
        ),
        .target(name: "CKernels"),
        .target(name: "CTensors"),
        .target(name: "CEnglishTagger"),
        .target(name: "CSignals"),
        .target(name: "Diagnostics", dependencies: ["CSignals"], swiftSettings: swiftSettings),
        .target(name: "Randomness", swiftSettings: swiftSettings),
        .target(name: "Tensors", dependencies: ["CTensors"], swiftSettings: swiftSettings),
        .target(
            name: "HDF5",
            dependencies: ["CHDF5", "CZlib", "Diagnostics"],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "Checkpoints",
            dependencies: ["Tensors", "HDF5", "Diagnostics"],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "Kernels",
            dependencies: ["Tensors", "Randomness", "CKernels", "COpenBLAS", "COneDNN"],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "Tokenization",
            dependencies: ["Diagnostics"],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "Bert",
            dependencies: [
                "Tensors", "Kernels", "Checkpoints", "Tokenization", "Randomness", "Diagnostics",
            ],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "BiLSTM",
            dependencies: [
                "Bert", "Tensors", "Kernels", "Checkpoints", "Tokenization", "Randomness",
                "Diagnostics",
            ],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "Provenance",
            dependencies: ["Checkpoints", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "Conversion",
            dependencies: [
                "Bert", "Checkpoints", "Kernels", "Tensors", "Tokenization", "HDF5", "Diagnostics",
            ],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "Export",
            dependencies: [
                "Bert", "Conversion", "Checkpoints", "Kernels", "Tensors", "Tokenization",
                "Diagnostics",
            ],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "Datasets",
            dependencies: ["Tokenization", "Randomness", "Diagnostics"],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "Augmentation",
            dependencies: [
                "Tagging", "Datasets", "Bert", "Checkpoints", "Kernels", "Tensors", "Tokenization",
                "Randomness", "Diagnostics",
            ],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "Training",
            dependencies: [
                "Bert", "BiLSTM", "Datasets", "Kernels", "Tensors", "Tokenization", "Randomness",
                "Checkpoints", "Diagnostics", .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "Evaluation",
            dependencies: [
                "Bert", "BiLSTM", "Datasets", "Kernels", "Tensors", "Tokenization", "Randomness",
                "Checkpoints", "Diagnostics",
            ],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "Report",
            dependencies: ["Evaluation", "Checkpoints", "Diagnostics"],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "Distillation",
            dependencies: [
                "Training", "Evaluation", "Augmentation", "Bert", "BiLSTM", "Datasets", "Kernels",
                "Tensors", "Tokenization", "Randomness", "Checkpoints", "Diagnostics",
            ],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "Compression",
            dependencies: [
                "Distillation", "Conversion", "Evaluation", "Bert", "Datasets", "Checkpoints",
                "Kernels", "Tensors", "Tokenization", "Diagnostics",
            ],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "Tagging",
            dependencies: [
                "Datasets", "Kernels", "Checkpoints", "Randomness", "Diagnostics", "CEnglishTagger",
            ],
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "bertkit",
            dependencies: [
                "Tensors", "Checkpoints", "Kernels", "Tokenization", "Bert", "BiLSTM", "Datasets",
                "Training", "Evaluation", "Distillation", "HDF5", "Diagnostics", "Randomness",
                "Conversion", "Export", "Tagging", "Augmentation", "Compression", "Provenance",
                "Report",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                "Yams",
            ],
            swiftSettings: swiftSettings
        ),
        // The library's example: with the settings of a package that only uses it.
        .executableTarget(name: "read-checkpoint", dependencies: ["Bert", "Conversion"]),
        .target(
            name: "TestSupport",
            dependencies: ["Tensors", "HDF5", "Diagnostics"],
            path: "Tests/TestSupport",
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "HDF5Tests",
            dependencies: libraryModules + ["TestSupport"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "CheckpointsTests",
            dependencies: libraryModules + ["TestSupport"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "KernelsTests",
            dependencies: libraryModules + ["TestSupport"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "TokenizationTests",
            dependencies: libraryModules + ["TestSupport"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "BertTests",
            dependencies: libraryModules + ["TestSupport"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "BiLSTMTests",
            dependencies: libraryModules + ["TestSupport"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "ConversionTests",
            dependencies: libraryModules + ["TestSupport"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "AugmentationTests",
            dependencies: libraryModules + ["TestSupport"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "ExportTests",
            dependencies: libraryModules + ["TestSupport"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "DatasetsTests",
            dependencies: libraryModules + ["TestSupport"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "TrainingTests",
            dependencies: libraryModules + ["TestSupport"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "EvaluationTests",
            dependencies: libraryModules + ["TestSupport"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "ReportTests",
            dependencies: libraryModules + ["TestSupport"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "DistillationTests",
            dependencies: libraryModules + ["TestSupport"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "CompressionTests",
            dependencies: libraryModules + ["TestSupport"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "TaggingTests",
            dependencies: libraryModules + ["TestSupport"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "CommandLineTests",
            dependencies: libraryModules + ["bertkit", "TestSupport"],
            swiftSettings: swiftSettings
        ),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c17
)
