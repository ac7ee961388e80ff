public import Diagnostics

/// Rows and variants as lines of a file that `TaskFile` reads.
///
/// Columns, or fields: the texts and the label as the data calls them; `source_row`, the row that a text
/// comes from, counted from 0; `method`, which is `original` or as in `mask+ngram`. A variant's label is
/// empty, in JSON lines `null`, unless labels are kept.
public struct VariantLines: Sendable {
    public enum Format: Sendable, Hashable {
        case tabSeparated
        case jsonLines
    }

    public let format: Format
    /// Whether variants have the labels of their originals.
    public let keepsLabels: Bool
    private let source: SourceTexts
    private let columns: [String]

    public init(_ source: SourceTexts, format: Format, keepsLabels: Bool) {
        (self.source, self.format, self.keepsLabels) = (source, format, keepsLabels)
        columns =
            [source.textColumn, source.pairColumn, source.labelColumn].compactMap(\.self)
            + ["source_row", "method"]
    }

    /// The first line; empty for JSON lines.
    public var heading: [UInt8] {
        format == .jsonLines ? [] : Array((columns.joined(separator: "\t") + "\n").utf8)
    }

    /// A row of the data.
    ///
    /// - Throws: `Failure` for a text with a tab or a line end where they stand between columns and rows.
    public func append(row: Int, to output: inout [UInt8]) throws(Failure) {
        if format == .tabSeparated { try checkFits(row) }
        append(
            source.bytes,
            source.place(row, 0),
            source.hasPairs ? source.place(row, 1) : nil,
            row,
            label: true,
            "original",
            &output
        )
    }

    /// A variant of a row that was appended.
    public func append(_ variant: Variant, in block: VariantBlock, to output: inout [UInt8]) {
        append(
            block.bytes,
            variant.text,
            variant.pair,
            variant.row,
            label: keepsLabels,
            variant.methods.name,
            &output
        )
    }

    private func append(
        _ bytes: [UInt8],
        _ text: Range<Int>,
        _ pair: Range<Int>?,
        _ row: Int,
        label: Bool,
        _ method: String,
        _ output: inout [UInt8]
    ) {
        var column = 0
        func begin() {
            if format == .jsonLines {
                output += column == 0 ? "{\"".utf8 : ", \"".utf8
                Self.escape(Array(columns[column].utf8)[...], &output)
                output += "\": ".utf8
            } else if column > 0 {
                output.append(0x09)
            }
            column += 1
        }
        for place in [text, pair].compactMap(\.self) {
            begin()
            appendText(bytes[place], &output)
        }
        if source.hasLabels {
            begin()
            appendLabel(label ? source.bytes[source.labels[row]] : [], &output)
        }
        begin()
        output += String(row).utf8
        begin()
        let quote: [UInt8] = format == .jsonLines ? [0x22] : []
        output += quote
        output += method.utf8
        output += quote
        if format == .jsonLines { output.append(0x7D) }
        output.append(0x0A)
    }

    private func appendText(_ text: ArraySlice<UInt8>, _ output: inout [UInt8]) {
        guard format == .jsonLines else {
            output += text
            return
        }
        output.append(0x22)
        Self.escape(text, &output)
        output.append(0x22)
    }

    /// Words have neither tabs nor line ends: where a row has none, its variants have none.
    private func checkFits(_ row: Int) throws(Failure) {
        for side in 0..<source.sides
        where source.bytes[source.place(row, side)].contains(where: {
            $0 == 0x09 || $0 == 0x0A || $0 == 0x0D
        }) {
            throw Failure(
                .badData,
                source.name,
                "line \(source.line(row)): the text has a tab or a line end, which tab-separated "
                    + "values cannot hold",
                remedy: "Write JSON lines: give the output a name that ends in .jsonl"
            )
        }
    }

    private func appendLabel(_ label: ArraySlice<UInt8>, _ output: inout [UInt8]) {
        guard format == .jsonLines else {
            output += label
            return
        }
        guard !label.isEmpty else {
            output += "null".utf8
            return
        }
        let text = String(decoding: label, as: UTF8.self)
        if let number = Int(text), String(number) == text {
            output += label
        } else {
            output.append(0x22)
            Self.escape(label, &output)
            output.append(0x22)
        }
    }

    private static let hexDigits = Array("0123456789abcdef".utf8)

    private static func escape(_ text: ArraySlice<UInt8>, _ output: inout [UInt8]) {
        for byte in text {
            switch byte {
            case 0x22, 0x5C: output += [0x5C, byte]
            case 0x0A: output += [0x5C, 0x6E]
            case 0x09: output += [0x5C, 0x74]
            case 0x0D: output += [0x5C, 0x72]
            case 0..<0x20:
                output += [0x5C, 0x75, 0x30, 0x30]
                output += [hexDigits[Int(byte >> 4)], hexDigits[Int(byte & 15)]]
            default: output.append(byte)
            }
        }
    }
}
