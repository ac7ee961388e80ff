// Reads a checkpoint of any layout with the library, and shows what a program gets from it:
//
//     swift run read-checkpoint fixtures/teacher

import Bert
import Conversion
import Foundation

guard CommandLine.arguments.count > 1 else {
    print("usage: read-checkpoint CHECKPOINT [COPY]")
    exit(64)
}
do {
    let checkpoint = try Checkpoint.open(URL(filePath: CommandLine.arguments[1]))
    let words = try checkpoint.tensor(named: "embeddings.word_embeddings.weight")
    print("\(checkpoint.layout): \(checkpoint.tensors.count) tensors, \(checkpoint.head.phrase)")
    print("word embeddings \(words.shape), the first is \(words.values[0])")

    if CommandLine.arguments.count > 2 {
        let copy = URL(filePath: CommandLine.arguments[2])
        try checkpoint.write(to: copy, ConversionOptions(format: .safetensors))
        print("written as safetensors: \(copy.relativePath)")
    }
} catch {
    print(error)
    exit(1)
}
