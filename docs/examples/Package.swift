// swift-tools-version: 6.2
import PackageDescription

// A package of its own, as a user's would be, so that BertKit itself does not depend on a web framework.
let package = Package(
    name: "BertKitExamples",
    dependencies: [
        .package(name: "BertKit", path: "../.."),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
    ],
    targets: [
        .target(
            name: "Classifying",
            dependencies: [.product(name: "BertKit", package: "BertKit")]
        ),
        .executableTarget(name: "classify", dependencies: ["Classifying"]),
        .executableTarget(
            name: "serve",
            dependencies: [
                "Classifying", .product(name: "Hummingbird", package: "hummingbird"),
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)
