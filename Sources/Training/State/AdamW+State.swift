import Bert
import Diagnostics
import Kernels

/// The optimizer's part of a saved moment.
///
/// Word rows are saved as they lie, with the steps that they still miss: a save does not bring them up to
/// date, so that it changes no bit of the run.
extension AdamW {
    /// The model's weights, the moments, and what belongs to word rows and auxiliary parameters.
    var parts: [StatePart] {
        memory.map { StatePart(name: $0.name, bytes: UnsafeRawBufferPointer($0.bytes)) }
    }

    private var memory: [(name: String, bytes: UnsafeMutableRawBufferPointer)] {
        func floats(_ base: UnsafeMutablePointer<Float>, _ count: Int)
            -> UnsafeMutableRawBufferPointer
        {
            UnsafeMutableRawBufferPointer(start: base, count: count * 4)
        }
        var memory = [
            ("weights", floats(weights, arena.count)),
            ("first moments", floats(first.base, arena.count)),
            ("second moments", floats(second.base, arena.count)),
            ("row steps", UnsafeMutableRawBufferPointer(rowSteps)),
            ("touched rows", UnsafeMutableRawBufferPointer(everTouched)),
        ]
        if let auxiliary {
            let count = auxiliary.weights.count
            memory += [
                ("projection weights", floats(auxiliary.weights.base, count)),
                ("projection first moments", floats(auxiliary.first.base, count)),
                ("projection second moments", floats(auxiliary.second.base, count)),
            ]
        }
        return memory
    }

    /// Takes over what was saved.
    ///
    /// - Parameters:
    ///   - steps: how many were taken.
    ///   - rate: the learning rate of each, from 0.
    /// - Throws: `Failure` of kind `.badData` where the file is of another model, or holds what no run can
    ///   have come to.
    func restore(
        from file: StateFile,
        steps: Int,
        rate: (Int) -> Double
    ) throws(Failure) {
        for (name, bytes) in memory { try file.read(name, into: bytes) }
        guard Elementwise.allFinite(weights, count: arena.count) else {
            throw Failure(.badData, file.path, "its weights are not all finite")
        }
        guard rowSteps.allSatisfy({ (0...steps).contains(Int($0)) }),
            everTouched.allSatisfy({ $0 <= 1 })
        else {
            throw Failure(.badData, file.path, "its word rows are at steps that were never taken")
        }
        stepCount = steps
        for step in 0..<steps { noteIdleStep(learningRate: rate(step)) }
    }
}
