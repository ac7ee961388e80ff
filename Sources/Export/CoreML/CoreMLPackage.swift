import Foundation

/// The files of a package, and the list of them that it begins with.
enum CoreMLPackage {
    static let pathExtension = "mlpackage"
    static let modelName = "Data/com.apple.CoreML/model.mlmodel"
    static let weightsName = "Data/com.apple.CoreML/weights/weight.bin"
    static let manifestName = "Manifest.json"

    /// Items have a UUID, which nothing but this list refers to: the same ones in every package, so that the
    /// same model gives the same bytes.
    static let manifest = """
        {
          "fileFormatVersion": "1.0.0",
          "itemInfoEntries": {
            "8F1B6B53-6D3C-4C0E-9A7E-2F6B0B5C1A01": {
              "author": "com.apple.CoreML",
              "description": "CoreML Model Specification",
              "name": "model.mlmodel",
              "path": "com.apple.CoreML/model.mlmodel"
            },
            "8F1B6B53-6D3C-4C0E-9A7E-2F6B0B5C1A02": {
              "author": "com.apple.CoreML",
              "description": "CoreML Model Weights",
              "name": "weights",
              "path": "com.apple.CoreML/weights"
            }
          },
          "rootModelIdentifier": "8F1B6B53-6D3C-4C0E-9A7E-2F6B0B5C1A01"
        }

        """
}
