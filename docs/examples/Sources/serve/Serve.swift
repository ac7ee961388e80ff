// Answers texts over HTTP:
//
//     swift run -c release serve student/ 8080
//     curl -d '{"texts": ["a film worth seeing"]}' -H 'Content-Type: application/json' \
//         http://127.0.0.1:8080/classify

import Classifying
import Foundation
import Hummingbird

struct Question: Decodable {
    let texts: [String]
}

struct Answers: ResponseCodable {
    let answers: [Classifier.Answer]
}

@main
struct Serve {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3, let port = Int(arguments[2]) else {
            FileHandle.standardError.write(Data("usage: serve FOLDER PORT\n".utf8))
            exit(64)
        }
        let classifier = try Classifier(folder: arguments[1])
        let router = Router()
        router.get("/health") { _, _ in HTTPResponse.Status.ok }
        router.post("/classify") { request, context in
            let question = try await request.decode(as: Question.self, context: context)
            guard question.texts.count <= 256 else {
                throw HTTPError(.contentTooLarge, message: "At most 256 texts at once.")
            }
            return Answers(answers: await classifier.answers(to: question.texts))
        }
        let app = Application(
            router: router,
            configuration: .init(address: .hostname("127.0.0.1", port: port))
        )
        try await app.runService()
    }
}
