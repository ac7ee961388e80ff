/// A JSON value. Whole numbers stay whole, so that 12 and 12.5 can be told apart.
public enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])
}
