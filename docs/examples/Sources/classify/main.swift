// Labels the lines of standard input:
//
//     swift run -c release classify student/ < texts.txt

import Classifying
import Foundation

guard CommandLine.arguments.count == 2 else {
    FileHandle.standardError.write(Data("usage: classify FOLDER < TEXTS\n".utf8))
    exit(64)
}
do {
    let classifier = try Classifier(folder: CommandLine.arguments[1])
    while let line = readLine() {
        let answer = await classifier.answers(to: [line])[0]
        print("\(answer.label)\t\(answer.probabilities[answer.label] ?? 0)\t\(line)")
    }
} catch {
    FileHandle.standardError.write(Data("\(error)\n".utf8))
    exit(1)
}
