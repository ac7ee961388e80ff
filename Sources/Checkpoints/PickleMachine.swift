import Diagnostics

/// Reads the pickle of a state dict: the few opcodes and globals that one needs, and nothing else.
///
/// Nothing is executed or imported. Opcodes: Python's `pickletools`. Everything is bounded: the
/// pickle's bytes, the stack, the objects made.
struct PickleMachine {
    static let maximumByteCount = 64 << 20
    static let maximumStackCount = 1 << 17
    static let maximumObjectCount = 2 << 20
    static let remedy =
        "Load it with the program that wrote it, and save model.state_dict() as safetensors"

    var input: PickleInput
    var heap = PickleHeap()
    var stack: [PickleValue] = []
    /// Where in the stack each open mark is.
    private var marks: [Int] = []
    /// Where the opcode is that is being performed.
    private var opcodePosition = 0
    private var memo: [UInt64: PickleValue] = [:]

    init(_ input: PickleInput) {
        self.input = input
    }

    /// A failure that names the place of the opcode that is being performed.
    func refused(_ what: String, remedy: String? = nil) -> Failure {
        input.problem(what, at: opcodePosition, remedy: remedy)
    }

    /// Reads one pickle, up to and with its STOP.
    mutating func run() throws(Failure) -> PickleValue {
        let start = input.position
        (stack, marks, memo) = ([], [], [:])
        while true {
            opcodePosition = input.position
            guard opcodePosition - start <= Self.maximumByteCount else {
                throw refused("a pickle of more than \(Self.maximumByteCount) bytes")
            }
            let code = try input.byte()
            guard let opcode = PickleOpcode(rawValue: code) else {
                throw refused(
                    "the opcode \(PickleOpcode.name(code)) is none that a state dict needs",
                    remedy: Self.remedy
                )
            }
            if opcode == .stop { break }
            try perform(opcode)
            guard stack.count + marks.count <= Self.maximumStackCount else {
                throw refused("a stack of more than \(Self.maximumStackCount) values")
            }
            guard heap.objectCount + memo.count <= Self.maximumObjectCount else {
                throw refused("more than \(Self.maximumObjectCount) objects")
            }
        }
        guard stack.count == 1, marks.isEmpty else {
            throw refused("the pickle ends with \(stack.count) values and \(marks.count) marks")
        }
        return try pop()
    }

    private mutating func perform(_ opcode: PickleOpcode) throws(Failure) {
        switch opcode {
        case .stop: break
        case .proto:
            let version = try input.byte()
            guard version <= 5 else { throw refused("pickle protocol \(version) is not known") }
        case .frame:
            let count = try input.number(8)
            guard count <= UInt64(input.range.upperBound - input.position) else {
                throw refused("a frame of \(count) bytes reaches past the end")
            }
        case .mark: marks.append(stack.count)
        case .none: stack.append(.none)
        case .newTrue: stack.append(.bool(true))
        case .newFalse: stack.append(.bool(false))
        case .binInt: stack.append(.integer(Int(Int32(truncatingIfNeeded: try input.number(4)))))
        case .binInt1: stack.append(.integer(Int(try input.byte())))
        case .binInt2: stack.append(.integer(Int(try input.number(2))))
        case .long1: stack.append(try longInteger())
        case .binFloat:
            stack.append(.real(Double(bitPattern: try input.number(8).byteSwapped)))
        case .binUnicode: stack.append(.text(try text(try input.number(4))))
        case .shortBinUnicode: stack.append(.text(try text(try input.number(1))))
        case .binUnicode8: stack.append(.text(try text(try input.number(8))))
        case .binString: stack.append(.text(try text(try input.number(4))))
        case .shortBinString: stack.append(.text(try text(try input.number(1))))
        case .binBytes: try data(try input.number(4))
        case .shortBinBytes: try data(try input.number(1))
        case .emptyTuple: try tuple(0)
        case .tuple1: try tuple(1)
        case .tuple2: try tuple(2)
        case .tuple3: try tuple(3)
        case .tuple: try tuple(stack.count - popMark())
        case .emptyList:
            heap.lists.append([])
            stack.append(.list(heap.lists.count - 1))
        case .emptyDictionary: newDictionary()
        case .append: try append(1)
        case .appends: try append(stack.count - popMark())
        case .setItem: try setItems(2)
        case .setItems: try setItems(stack.count - popMark())
        case .binGet: try get(try input.number(1))
        case .longBinGet: try get(try input.number(4))
        case .binPut: try put(try input.number(1))
        case .longBinPut: try put(try input.number(4))
        case .memoize: try put(UInt64(memo.count))
        case .global:
            let module = try input.line(limit: 256)
            try pushGlobal(module, try input.line(limit: 256))
        case .stackGlobal:
            guard case .text(let name) = try pop(), case .text(let module) = try pop() else {
                throw refused("a global whose name is no text")
            }
            try pushGlobal(Array(module.utf8), Array(name.utf8))
        case .binPersID: try loadPersistent()
        case .reduce, .newObject:
            let arguments = try pop()
            try call(try pop(), arguments)
        case .build: try build()
        }
    }

    // MARK: The stack

    mutating func pop() throws(Failure) -> PickleValue {
        guard stack.count > (marks.last ?? 0), let value = stack.popLast() else {
            throw refused("a value where the stack has none")
        }
        return value
    }

    private mutating func popMark() throws(Failure) -> Int {
        guard let mark = marks.popLast() else { throw refused("a mark that was not made") }
        return mark
    }

    /// The last `count` values, taken off the stack.
    private mutating func take(_ count: Int) throws(Failure) -> ArraySlice<PickleValue> {
        guard stack.count - (marks.last ?? 0) >= count else {
            throw refused("\(count) values where the stack has fewer")
        }
        let values = stack[(stack.count - count)...]
        stack.removeLast(count)
        return values
    }

    private mutating func get(_ key: UInt64) throws(Failure) {
        guard let value = memo[key] else { throw refused("the memo has no \(key)") }
        stack.append(value)
    }

    private mutating func put(_ key: UInt64) throws(Failure) {
        guard stack.count > (marks.last ?? 0), let value = stack.last else {
            throw refused("nothing to remember")
        }
        memo[key] = value
    }

    // MARK: Values

    private mutating func text(_ count: UInt64) throws(Failure) -> String {
        guard count <= 1 << 20 else { throw refused("a text of \(count) bytes") }
        guard let text = String(validating: try input.bytes(Int(count)), as: UTF8.self) else {
            throw refused("a text that is not UTF-8")
        }
        return text
    }

    private mutating func data(_ count: UInt64) throws(Failure) {
        guard count <= UInt64(Self.maximumByteCount) else {
            throw refused("a value of \(count) bytes")
        }
        try input.skip(Int(count))
        stack.append(.data(Int(count)))
    }

    private mutating func longInteger() throws(Failure) -> PickleValue {
        let bytes = try input.bytes(Int(try input.byte()))
        guard bytes.count <= 8 else { return .longInteger(Array(bytes)) }
        guard let last = bytes.last else { return .integer(0) }
        // Two's complement: the sign fills what is not there.
        let sign: UInt64 = last & 0x80 == 0 || bytes.count == 8 ? 0 : ~0 << (8 * bytes.count)
        return .integer(Int(truncatingIfNeeded: bytes.littleEndian | sign))
    }

    private mutating func tuple(_ count: Int) throws(Failure) {
        let values = try take(count)
        let start = heap.elements.count
        heap.elements += values
        stack.append(.tuple(start..<heap.elements.count))
    }

    mutating func newDictionary() {
        heap.dictionaries.append([])
        stack.append(.dictionary(heap.dictionaries.count - 1))
    }

    private mutating func append(_ count: Int) throws(Failure) {
        let values = try take(count)
        guard case .list(let list) = try pop() else {
            throw refused("an element for what is no list")
        }
        heap.lists[list] += values
        heap.memberCount += count
        stack.append(.list(list))
    }

    private mutating func setItems(_ count: Int) throws(Failure) {
        guard count % 2 == 0 else { throw refused("a key without a value") }
        let values = Array(try take(count))
        guard case .dictionary(let dictionary) = try pop() else {
            throw refused("an entry for what is no dictionary")
        }
        heap.memberCount += count
        for index in stride(from: 0, to: values.count, by: 2) {
            heap.dictionaries[dictionary].append((values[index], values[index + 1]))
        }
        stack.append(.dictionary(dictionary))
    }
}
