/// The normaliser and the splitter of BERT as one table: for each scalar, what becomes of it.
///
/// The reference goes over the text once per step: clean (drop controls, unify spaces), set Chinese
/// characters apart, strip accents (canonical decomposition, then drop nonspacing marks),
/// lower-case, split at spaces, split at punctuation. Each step looks at one scalar alone, except
/// for the canonical order of combining marks, so the steps compose into one lookup; the order is
/// kept up by the scanner.
struct FoldingTable: Sendable {
    /// What a byte does.
    enum ByteKind: UInt8 {
        case word
        case drop
        case space
        case alone
        /// `[`, alone or the start of a special piece.
        case bracket
        case notASCII
    }

    /// For each byte what it does.
    private let bytes: [ByteKind]
    private let lowercase: Bool
    /// What expanding scalars become: count, scalars, …
    private let expansions: [UInt32]
    /// For each page of 128 scalars, which block of `actions` describes it.
    private let blockOfPage: [UInt16]
    private let actions: [UInt32]

    private static let pageBits: UInt32 = 7
    private static let pageSize = 1 << Int(pageBits)

    init(_ configuration: TokenizerConfiguration) {
        var builder = Builder()
        builder.fill(configuration)
        blockOfPage = builder.blockOfPage
        actions = builder.actions
        expansions = builder.expansions
        lowercase = configuration.lowercase
        bytes = (0...UInt8.max).map { byte in
            guard byte < 0x80 else { return .notASCII }
            switch builder.action(UInt32(byte)).kind {
            case .word: return .word
            case .space: return .space
            case .alone: return byte == UInt8(ascii: "[") ? .bracket : .alone
            case .drop, .several, .hangul, .combining, .breaking: return .drop
            }
        }
    }

    /// What becomes of a scalar value.
    @inline(__always)
    func action(_ scalar: UInt32) -> ScalarAction {
        let block = Int(blockOfPage[Int(scalar >> Self.pageBits)])
        let place = Int(scalar & UInt32(Self.pageSize - 1))
        return ScalarAction(bits: actions[block << Int(Self.pageBits) | place])
    }

    /// The table's memory while it is looked into.
    struct View {
        let bytes: UnsafePointer<ByteKind>
        /// Ones if letters of ASCII are lower-cased, else zeros.
        let caseMask: UInt64
        fileprivate let blockOfPage: UnsafePointer<UInt16>
        fileprivate let actions: UnsafePointer<UInt32>
        fileprivate let expansions: UnsafeBufferPointer<UInt32>

        /// What becomes of a scalar value.
        @inline(__always)
        func action(_ scalar: UInt32) -> ScalarAction {
            let block = Int(blockOfPage[Int(scalar >> FoldingTable.pageBits)])
            let place = Int(scalar & UInt32(FoldingTable.pageSize - 1))
            return ScalarAction(bits: actions[block << Int(FoldingTable.pageBits) | place])
        }

        /// The scalars of an expansion.
        func expansion(_ action: ScalarAction) -> UnsafeBufferPointer<UInt32> {
            let at = Int(action.payload)
            return UnsafeBufferPointer(
                rebasing: expansions[(at + 1)..<(at + 1 + Int(expansions[at]))]
            )
        }
    }

    /// Calls `body` with the table's memory.
    @inline(__always)
    func withView<Result>(_ body: (View) -> Result) -> Result {
        bytes.withUnsafeBufferPointer { bytes in
            blockOfPage.withUnsafeBufferPointer { blockOfPage in
                actions.withUnsafeBufferPointer { actions in
                    expansions.withUnsafeBufferPointer { expansions in
                        // Only the expansions may be empty.
                        body(
                            View(
                                bytes: bytes.baseAddress.unsafelyUnwrapped,
                                caseMask: lowercase ? ~0 : 0,
                                blockOfPage: blockOfPage.baseAddress.unsafelyUnwrapped,
                                actions: actions.baseAddress.unsafelyUnwrapped,
                                expansions: expansions
                            )
                        )
                    }
                }
            }
        }
    }
}

extension FoldingTable {
    /// Fills the table; pages that are uniform share a block.
    private struct Builder {
        var blockOfPage = [UInt16](repeating: 0, count: 0x110000 >> Int(pageBits))
        var actions = [UInt32](repeating: 0, count: pageSize)
        var expansions: [UInt32] = []
        private var uniformBlocks: [UInt32: UInt16] = [0: 0]
        private var sharedBlocks: Set<UInt16> = [0]

        /// Each rule overrides those before it, so they stand in reverse order of the steps.
        mutating func fill(_ configuration: TokenizerConfiguration) {
            set(UnicodeTables.isolated, to: ScalarAction(.alone))
            if configuration.lowercase { lowercase() }
            if configuration.stripsAccents { stripAccents() }
            if configuration.splitChineseCharacters { isolateIdeographs() }
            set(UnicodeTables.spaces, to: ScalarAction(.space))
            set(UnicodeTables.dropped, to: ScalarAction(.drop))
        }

        private mutating func lowercase() {
            UnicodeTables.forEachLowercase { scalar, lowered in
                set(scalar, to: ScalarAction(.word, replacing: scalar, by: lowered))
            }
            UnicodeTables.forEachExpansion(UnicodeTables.lowercaseExpansions) { expand($0, to: $1) }
        }

        /// A scalar takes the kind of what is left of it, which may be punctuation (`≮` is `<`),
        /// lower-cased.
        private mutating func stripAccents() {
            UnicodeTables.forEachBase { scalar, base in
                let left = action(base)
                let replacement = left.replacement(of: base)
                set(scalar, to: ScalarAction(left.kind, replacing: scalar, by: replacement))
            }
            UnicodeTables.forEachExpansion(UnicodeTables.baseExpansions) { expand($0, to: $1) }
            set(UnicodeTables.hangul, to: ScalarAction(.hangul))
            set(UnicodeTables.marks, to: ScalarAction(.drop))
            set(UnicodeTables.breakingMarks, to: ScalarAction(.breaking))
            let combining = UnicodeTables.combining
            for at in stride(from: 0, to: combining.count, by: 3) {
                let action = ScalarAction(.combining, combiningClass: combining[at + 2])
                set(combining[at]...combining[at + 1], to: action)
            }
        }

        /// Only compatibility ideographs have a replacement; the long ranges are uniform.
        private mutating func isolateIdeographs() {
            UnicodeTables.forEachRange(UnicodeTables.ideographs) { range in
                var replaced: [(UInt32, ScalarAction)] = []
                for scalar in range where action(scalar).payload != 0 {
                    replaced.append((scalar, ScalarAction(.alone, payload: action(scalar).payload)))
                }
                set(range, to: ScalarAction(.alone))
                for (scalar, action) in replaced { set(scalar, to: action) }
            }
        }

        private mutating func expand(_ scalar: UInt32, to targets: ArraySlice<UInt32>) {
            set(scalar, to: ScalarAction(.several, payload: UInt32(expansions.count)))
            expansions.append(UInt32(targets.count))
            expansions += targets
        }

        func action(_ scalar: UInt32) -> ScalarAction {
            let block = Int(blockOfPage[Int(scalar >> pageBits)])
            return ScalarAction(bits: actions[block * pageSize + Int(scalar) % pageSize])
        }

        private mutating func set(_ ranges: [UInt32], to action: ScalarAction) {
            UnicodeTables.forEachRange(ranges) { set($0, to: action) }
        }

        private mutating func set(_ range: ClosedRange<UInt32>, to action: ScalarAction) {
            var scalar = range.lowerBound
            while scalar <= range.upperBound {
                let pageEnd = scalar | UInt32(pageSize - 1)
                if Int(scalar) % pageSize == 0, pageEnd <= range.upperBound {
                    blockOfPage[Int(scalar >> pageBits)] = uniformBlock(action)
                    scalar = pageEnd + 1
                } else {
                    set(scalar, to: action)
                    scalar += 1
                }
            }
        }

        private mutating func set(_ scalar: UInt32, to action: ScalarAction) {
            let page = Int(scalar >> pageBits)
            if sharedBlocks.contains(blockOfPage[page]) {
                let start = Int(blockOfPage[page]) * pageSize
                blockOfPage[page] = appendBlock(Array(actions[start..<(start + pageSize)]))
            }
            actions[Int(blockOfPage[page]) * pageSize + Int(scalar) % pageSize] = action.bits
        }

        private mutating func uniformBlock(_ action: ScalarAction) -> UInt16 {
            if let block = uniformBlocks[action.bits] { return block }
            let block = appendBlock([UInt32](repeating: action.bits, count: pageSize))
            uniformBlocks[action.bits] = block
            sharedBlocks.insert(block)
            return block
        }

        private mutating func appendBlock(_ block: [UInt32]) -> UInt16 {
            let index = UInt16(actions.count / pageSize)
            actions += block
            return index
        }
    }
}
