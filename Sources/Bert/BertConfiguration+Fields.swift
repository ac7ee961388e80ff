package import Checkpoints
package import Diagnostics

/// The members of a `config.json`, taken out one by one; what is left is unknown.
package struct Fields {
    private let members: [String: JSONValue]
    private let source: String
    package private(set) var unread: [String: JSONValue]
    package private(set) var assumptions: [String] = []

    package init(_ members: [String: JSONValue], source: String) {
        self.members = members
        self.source = source
        unread = members
    }

    package func problem(_ reason: String) -> Failure {
        Failure(.badData, source, reason)
    }

    package func has(_ key: String) -> Bool {
        members[key] != nil
    }

    /// The member, `nil` when it is absent or null.
    package mutating func take(_ key: String) -> JSONValue? {
        unread[key] = nil
        guard let value = members[key], value != .null else { return nil }
        return value
    }

    private func mistyped(_ key: String, _ value: JSONValue, _ expected: String) -> Failure {
        problem("\"\(key)\" must be \(expected) and is \(value.phrase)")
    }

    package mutating func text(_ key: String) throws(Failure) -> String? {
        guard let value = take(key) else { return nil }
        guard case .string(let text) = value else { throw mistyped(key, value, "text") }
        return text
    }

    package mutating func flag(_ key: String) throws(Failure) -> Bool {
        guard let value = take(key) else { return false }
        guard case .bool(let flag) = value else { throw mistyped(key, value, "true or false") }
        return flag
    }

    package mutating func strings(_ key: String) throws(Failure) -> [String] {
        guard let value = take(key) else { return [] }
        guard case .array(let elements) = value else { throw mistyped(key, value, "a list") }
        var strings: [String] = []
        for element in elements {
            guard case .string(let text) = element else {
                throw mistyped(key, element, "a list of texts")
            }
            strings.append(text)
        }
        return strings
    }

    package mutating func object(_ key: String) throws(Failure) -> [String: JSONValue]? {
        guard let value = take(key) else { return nil }
        guard case .object(let members) = value, !members.isEmpty else {
            throw mistyped(key, value, "an object that is not empty")
        }
        return members
    }

    package mutating func optionalSize(
        _ key: String,
        _ range: ClosedRange<Int>
    ) throws(Failure) -> Int? {
        guard let value = take(key) else { return nil }
        guard case .integer(let size) = value else {
            throw mistyped(key, value, "a whole number")
        }
        guard range.contains(size) else {
            throw problem(
                "\"\(key)\" must be from \(range.lowerBound) to \(range.upperBound) and is \(size)"
            )
        }
        return size
    }

    package mutating func size(
        _ key: String,
        _ range: ClosedRange<Int>,
        default fallback: Int? = nil
    ) throws(Failure) -> Int {
        if let size = try optionalSize(key, range) { return size }
        guard let fallback else { throw problem("there is no \"\(key)\"") }
        assumptions.append("\"\(key)\" is not given: \(fallback) is assumed")
        return fallback
    }

    private mutating func optionalNumber(
        _ key: String,
        _ range: ClosedRange<Double>
    ) throws(Failure) -> Double? {
        guard let value = take(key) else { return nil }
        let number: Double
        switch value {
        case .integer(let integer): number = Double(integer)
        case .number(let real): number = real
        default: throw mistyped(key, value, "a number")
        }
        guard range.contains(number) else {
            throw problem(
                "\"\(key)\" must be from \(range.lowerBound) to \(range.upperBound) and is "
                    + "\(number)"
            )
        }
        return number
    }

    package mutating func number(
        _ key: String,
        _ range: ClosedRange<Double>,
        default fallback: Double? = nil
    ) throws(Failure) -> Double {
        if let number = try optionalNumber(key, range) { return number }
        guard let fallback else { throw problem("there is no \"\(key)\"") }
        assumptions.append("\"\(key)\" is not given: \(fallback) is assumed")
        return fallback
    }

    package mutating func optionalDropout(_ key: String) throws(Failure) -> Double? {
        guard let probability = try optionalNumber(key, 0...1) else { return nil }
        guard probability < 1 else { throw problem("\"\(key)\" is 1: everything is dropped") }
        return probability
    }

    package mutating func dropout(_ key: String, default fallback: Double) throws(Failure) -> Double
    {
        if let probability = try optionalDropout(key) { return probability }
        assumptions.append("\"\(key)\" is not given: \(fallback) is assumed")
        return fallback
    }
}

extension JSONValue {
    /// The value as a message shows it.
    var phrase: String {
        switch self {
        case .null: "null"
        case .bool(let flag): String(flag)
        case .integer(let integer): String(integer)
        case .number(let number): "\(number)"
        case .string(let text): "the text \"\(printable(text))\""
        case .array: "a list"
        case .object: "an object"
        }
    }
}
