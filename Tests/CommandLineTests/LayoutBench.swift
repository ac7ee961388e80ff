import Checkpoints
import Foundation
import Tensors
import TestSupport

extension Workbench {
    static let layouts = Fixtures.folder.appending(path: "layouts")

    /// Lends a folder with copies of folders of `fixtures/layouts`, under names of their own:
    /// `["model": "tf"]`.
    static func with(
        _ copies: [String: String],
        _ body: (Workbench) throws -> Void
    ) throws {
        try Folder.temporary { folder in
            let bench = Workbench(folder: folder)
            for (name, layout) in copies { try bench.add(layout, as: name) }
            try body(bench)
        }
    }

    func add(_ layout: String, as name: String) throws {
        try FileManager.default.copyItem(
            at: Self.layouts.appending(path: layout),
            to: self[name]
        )
    }

    /// Changes a JSON object.
    func edit(_ name: String, _ change: (inout [String: JSONValue]) -> Void) throws {
        guard case .object(var members) = try JSONValue.parse(bytes(name), source: name) else {
            preconditionFailure("\(name) is no object")
        }
        change(&members)
        try write(JSONValue.object(members).text(), name)
    }

    /// Changes the header of a safetensors file, and the data after it.
    func editSafetensors(
        _ name: String,
        _ change: (_ header: inout [String: JSONValue], _ data: inout [UInt8]) -> Void
    ) throws {
        let file = try bytes(name)
        let length = file[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        let header = try JSONValue.parse(Array(file[8..<8 + length]), source: name)
        guard case .object(var members) = header else { preconditionFailure("\(name): no header") }
        var data = Array(file[(8 + length)...])
        change(&members, &data)
        let text = Array(JSONValue.object(members).text().utf8)
        try write(littleEndian(text.count, 8) + text + data, name)
    }

    /// Sets floats of a tensor in a safetensors file of 32-bit floats, from an element on.
    func setFloats(_ values: [Float], of tensor: String, from index: Int = 0, in name: String)
        throws
    {
        try editSafetensors(name) { header, data in
            guard case .object(let entry)? = header[tensor],
                case .array(let offsets)? = entry["data_offsets"],
                case .integer(let start)? = offsets.first
            else { preconditionFailure("there is no \(tensor)") }
            for (place, value) in values.enumerated() {
                let bytes = littleEndian(value.bitPattern, 4)
                let offset = start + 4 * (index + place)
                data.replaceSubrange(offset..<offset + 4, with: bytes)
            }
        }
    }

    /// Adds a tensor of zeros at the end of a safetensors file.
    func addTensor(_ tensor: String, _ shape: [Int], type: String = "F32", to name: String) throws {
        try editSafetensors(name) { header, data in
            let width = type == "F32" ? 4 : 8
            let count = shape.reduce(width, *)
            header[tensor] = .object([
                "dtype": .string(type), "shape": .array(shape.map(JSONValue.integer)),
                "data_offsets": .array([.integer(data.count), .integer(data.count + count)]),
            ])
            data += [UInt8](repeating: 0, count: count)
        }
    }

    /// Gives a tensor of a safetensors file another name.
    func renameTensor(_ old: String, to new: String, in name: String) throws {
        try editSafetensors(name) { header, _ in
            header[new] = header.removeValue(forKey: old)
        }
    }
}
