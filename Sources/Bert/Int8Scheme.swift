package import Checkpoints

/// How a configuration says that matrices of the weights beside it are stored as int8.
///
/// The key and the method's name are where Hugging Face's libraries look, which warn of a method that they
/// do not know.
package enum Int8Scheme {
    package static let key = "quantization_config"
    private static let method = "bertkit-int8"

    /// The value of the key.
    package static let value = JSONValue.object([
        "quant_method": .string(method),
        "bits": .integer(8),
        "symmetric": .bool(true),
        "strategy": .string("channel"),
    ])

    /// Whether a configuration's value is this scheme's.
    static func isNamed(by value: JSONValue?) -> Bool {
        guard case .object(let members)? = value else { return false }
        return members["quant_method"] == .string(method)
    }
}
