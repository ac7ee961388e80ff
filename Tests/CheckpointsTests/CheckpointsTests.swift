import Bert
import Checkpoints
import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

@Test func probe() throws {
    let folder = Fixtures.shared!.appending(path: "teachers/minilm-sst2")
    for _ in 0..<5 {
        let t0 = Date()
        let bytes = try readFile(folder.appending(path: "tf_model.h5"))
        let t1 = Date()
        let store = try HDF5WeightsStore(path: folder.appending(path: "tf_model.h5").path)
        let t2 = Date()
        var sum: Float = 0
        var tensors: [Tensor] = []
        for e in store.entries { tensors.append(try store.tensor(e)) }
        let t3 = Date()
        var n = 0
        for t in tensors { if t.firstNonFiniteIndex != nil { n += 1 } }
        let t4 = Date()
        let tr = tensors.map { $0.shape.rank == 2 && $0.shape[0] < 5000 ? $0.transposed() : $0 }
        let t5 = Date()
        let m = try ModelFolder.open(folder, requireHead: true)
        let t6 = Date()
        let p = try m.loadParameters()
        let t7 = Date()
        print("raw", t1.timeIntervalSince(t0), "open", t2.timeIntervalSince(t1), "read", t3.timeIntervalSince(t2), "finite", t4.timeIntervalSince(t3), "transpose", t5.timeIntervalSince(t4), "| open", t6.timeIntervalSince(t5), "load", t7.timeIntervalSince(t6), bytes.count, n, tr.count, p.leaves.count, sum)
        sum += 1
    }
}
