import CKernels
import COneDNN
import COpenBLAS
import Glibc

/// Which library carries out matrix products.
public enum MatrixBackend: String, Sendable {
    case oneDNN = "oneDNN"
    case openBLAS = "OpenBLAS"

    /// oneDNN where the build has it, unless `BERTKIT_MATRIX_BACKEND=openblas` says otherwise.
    public static let current: MatrixBackend = {
        if bk_onednn_available() == 0 { return .openBLAS }
        if let name = getenv("BERTKIT_MATRIX_BACKEND"), String(cString: name) == "openblas" {
            return .openBLAS
        }
        return .oneDNN
    }()

    /// Whether products of bfloat16 and bytes run on the processor's own matrix instructions (AMX) and not
    /// through a library: wherever it has them, unless `BERTKIT_MATRIX_BACKEND` names a library.
    public static let usesTiles = bk_amx_available() != 0 && getenv("BERTKIT_MATRIX_BACKEND") == nil

    /// oneDNN's version; nil where the build has none.
    public static var oneDNNVersion: String? {
        bk_onednn_available() == 0 ? nil : String(cString: bk_onednn_version())
    }

    /// OpenBLAS' version and build, or why it cannot be loaded. Loads it.
    public static var openBLASDescription: Result<String, OpenBLASProblem> {
        if let problem = bk_openblas_problem() {
            return .failure(OpenBLASProblem(reason: String(cString: problem)))
        }
        return .success(String(cString: bk_openblas_description()))
    }

    public struct OpenBLASProblem: Error {
        public let reason: String
    }

    /// Which of the versions of the vectorised loops runs here: `AVX-512`, `AVX2` or `baseline`.
    public static var loops: String {
        withUnsafeTemporaryAllocation(of: bk_kernel_version.self, capacity: 3) { versions in
            let count = bk_kernel_versions(versions.baseAddress)
            return String(cString: versions[count - 1].name)
        }
    }

    /// Name and version, for logs.
    public static var description: String {
        switch current {
        case .oneDNN: "oneDNN \(String(cString: bk_onednn_version()))"
        case .openBLAS: String(cString: bk_openblas_description())
        }
    }

    /// Why it is this one, in a few words.
    public static var reason: String {
        if current == .oneDNN { return "the fastest here" }
        return bk_onednn_available() == 0
            ? "this build has no oneDNN" : "BERTKIT_MATRIX_BACKEND says so"
    }
}
