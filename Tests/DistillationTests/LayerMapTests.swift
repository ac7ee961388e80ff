import Diagnostics
import Distillation
import Testing

@Suite struct LayerMapTests {
    @Test(arguments: [
        (LayerMap.uniform, 4, 12, [3, 6, 9, 12]), (.uniform, 6, 12, [2, 4, 6, 8, 10, 12]),
        (.uniform, 4, 6, [2, 3, 5, 6]), (.uniform, 2, 6, [3, 6]), (.uniform, 3, 7, [3, 5, 7]),
        (.uniform, 1, 6, [6]), (.uniform, 6, 6, [1, 2, 3, 4, 5, 6]),
        (.uniform, 4, 3, [1, 2, 3, 3]),
        (.top, 4, 12, [9, 10, 11, 12]), (.bottom, 4, 12, [1, 2, 3, 4]),
        (.skip, 4, 12, [3, 6, 9, 12]), (.skip, 4, 6, [1, 2, 3, 4]),
        (.list([1, 1, 6]), 3, 6, [1, 1, 6]),
    ])
    func `teacher layers`(map: LayerMap, student: Int, teacher: Int, expected: [Int]) throws {
        let pairs = try map.pairs(student: student, teacher: teacher)
        #expect(pairs.map(\.student) == Array(1...student))
        #expect(pairs.map(\.teacher) == expected)
    }

    @Test func `a zero leaves a layer out`() throws {
        let pairs = try LayerMap.list([0, 4]).pairs(student: 2, teacher: 6)
        #expect(pairs == [LayerPair(2, 4)])
    }

    @Test(arguments: [
        (LayerMap.top, 6, 4, "only 4"), (.bottom, 6, 4, "only 4"), (.skip, 6, 4, "only 4"),
        (.list([1]), 2, 4, "lists 1 layers and the student has 2"),
        (.list([1, 5]), 2, 4, "layer 5"), (.list([0, 0]), 2, 4, "every layer out"),
    ])
    func `impossible maps are refused`(map: LayerMap, student: Int, teacher: Int, says: String) {
        #expect {
            try map.pairs(student: student, teacher: teacher)
        } throws: { error in
            (error as? Failure)?.kind == .usage && "\(error)".contains(says)
        }
    }

    @Test func `names read back`() {
        for map in [LayerMap.uniform, .top, .bottom, .skip, .list([2, 0, 6])] {
            #expect(LayerMap(map.description) == map)
        }
        for text in ["", "even", "1,,2", "1,-2", "1.5"] { #expect(LayerMap(text) == nil) }
    }
}
