/// A piece of HTML or SVG: an element with its attributes and content, or text. Text and attributes are
/// escaped when they are written, and nowhere else.
enum Markup {
    case text(String)
    indirect case element(String, [(String, String)], [Markup])

    /// - Parameter attributes: in the order they are written; those with a nil value are left out.
    static func tag(
        _ name: String,
        _ attributes: KeyValuePairs<String, String?> = [:],
        _ content: [Markup] = []
    ) -> Markup {
        .element(name, attributes.compactMap { key, value in value.map { (key, $0) } }, content)
    }

    static func tag(
        _ name: String,
        _ attributes: KeyValuePairs<String, String?> = [:],
        _ text: String
    ) -> Markup {
        tag(name, attributes, [.text(text)])
    }

    /// Elements that HTML closes by themselves.
    private static let void: Set<String> = ["meta", "br"]

    func write(to output: inout String) {
        switch self {
        case .text(let text): Self.escape(text, isAttribute: false, into: &output)
        case .element(let name, let attributes, let content):
            output += "<\(name)"
            for (key, value) in attributes {
                output += " \(key)=\""
                Self.escape(value, isAttribute: true, into: &output)
                output += "\""
            }
            output += ">"
            guard !Self.void.contains(name) else { return }
            for part in content { part.write(to: &output) }
            output += "</\(name)>"
            if Self.endsLine.contains(name) { output += "\n" }
        }
    }

    private static let endsLine: Set<String> = [
        "p", "h1", "h2", "h3", "tr", "section", "header", "figure", "svg", "title", "li", "thead",
        "table", "ul", "pre", "g", "style", "head", "body",
    ]

    private static func escape(_ text: String, isAttribute: Bool, into output: inout String) {
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": output += "&amp;"
            case "<": output += "&lt;"
            case ">": output += "&gt;"
            case "\"" where isAttribute: output += "&quot;"
            // Controls are not allowed in a document, and would be invisible in it.
            case "\u{0}"..."\u{8}", "\u{b}"..."\u{1f}", "\u{7f}"..."\u{9f}":
                output += "\u{fffd}"
            default: output.unicodeScalars.append(scalar)
            }
        }
    }
}
