public import Foundation

/// Finds what tests read, wherever they run from.
public enum Fixtures {
    /// The repository's top level.
    public static let repository = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The `fixtures` folder.
    public static let folder = repository.appending(path: "fixtures")

    /// Material beside the repository that only some machines have (a real teacher, task data).
    /// Tests that need it are disabled, and say so, where it is absent.
    public static let shared: URL? = {
        let url = repository.deletingLastPathComponent().appending(path: "shared")
        return FileManager.default.fileExists(atPath: url.path) ? url : nil
    }()
}
