import Foundation
import Tensors

/// A written `.mlpackage`, read by the field numbers of Model.proto and MIL.proto.
struct WrittenPackage {
    struct Feature {
        let name: String
        let type: Int
        let shape: [Int]
        /// What the shape may be, where it is one of several.
        let shapes: [[Int]]
    }

    struct Operation {
        let type: String
        /// Names of values, by the operand.
        let inputs: [String: String]
        let output: String
        /// Of a constant that is a floating-point number.
        let number: Float?
    }

    struct Weight {
        let shape: [Int]
        /// Of its values.
        let offset: Int
        let bytes: [UInt8]
    }

    let specificationVersion: Int
    let opset: String
    let inputs: [Feature]
    let outputs: [Feature]
    let blockOutputs: [String]
    let operations: [Operation]
    let weights: [String: Weight]
    /// How many tensors the file of weights says that it has.
    let blobCount: Int

    struct Broken: Error {}

    init(_ url: URL) throws {
        let data = url.appending(path: "Data/com.apple.CoreML")
        let model = try WireMessage(
            [UInt8](Data(contentsOf: data.appending(path: "model.mlmodel")))[...]
        )
        let blobs = try [UInt8](Data(contentsOf: data.appending(path: "weights/weight.bin")))
        func number(_ offset: Int, _ count: Int) -> Int {
            blobs[offset..<offset + count].reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        guard number(4, 4) == 2 else { throw Broken() }
        blobCount = number(0, 4)
        specificationVersion = model.numbers(1)[0]
        func features(_ field: Int) throws -> [Feature] {
            try model.messages(2)[0].messages(field).map { feature in
                let array = try feature.messages(3)[0].messages(5)[0]
                return Feature(
                    name: feature.texts(1)[0],
                    type: array.numbers(2)[0],
                    shape: array.numbers(1),
                    shapes: try array.messages(21).flatMap { try $0.messages(1) }
                        .map { $0.numbers(1) }
                )
            }
        }
        inputs = try features(1)
        outputs = try features(10)
        let function = try model.messages(502)[0].messages(2)[0].messages(2)[0]
        opset = function.texts(2)[0]
        let block = try function.messages(3)[0].messages(2)[0]
        blockOutputs = block.texts(2)
        var operations: [Operation] = []
        var weights: [String: Weight] = [:]
        for operation in try block.messages(3) {
            let output = try operation.messages(3)[0]
            let name = output.texts(1)[0]
            var inputs: [String: String] = [:]
            for entry in try operation.messages(2) {
                let binding = try entry.messages(2)[0].messages(1)[0]
                inputs[entry.texts(1)[0]] = binding.texts(1)[0]
            }
            var float: Float?
            for entry in try operation.messages(5) where entry.texts(1)[0] == "val" {
                let value = try entry.messages(2)[0]
                if let place = try value.messages(5).first {
                    let start = place.numbers(2)[0]
                    guard place.texts(1) == ["@model_path/weights/weight.bin"],
                        number(start, 4) == 0xDEAD_BEEF
                    else { throw Broken() }
                    let type = try value.messages(2)[0].messages(1)[0]
                    let shape = try type.messages(3).map { try $0.messages(1)[0].numbers(1)[0] }
                    let isHalf = number(start + 4, 4) == 1
                    guard type.numbers(1) == [isHalf ? 10 : 11] else { throw Broken() }
                    let (count, offset) = (number(start + 8, 8), number(start + 16, 8))
                    weights[name] = Weight(
                        shape: shape,
                        offset: offset,
                        bytes: Array(blobs[offset..<offset + count])
                    )
                } else if let tensor = try value.messages(3).first?.messages(1).first {
                    float = try tensor.messages(1).first?.single(1)
                    if let half = try tensor.messages(7).first?.bytes(1).first {
                        var decoded: Float = 0
                        Array(half).withUnsafeBytes { bytes in
                            withUnsafeMutablePointer(to: &decoded) {
                                ElementType.float16.decode(
                                    bytes,
                                    into: UnsafeMutableBufferPointer(start: $0, count: 1)
                                )
                            }
                        }
                        float = decoded
                    }
                }
            }
            operations.append(
                Operation(type: operation.texts(1)[0], inputs: inputs, output: name, number: float)
            )
        }
        self.operations = operations
        self.weights = weights
    }
}
