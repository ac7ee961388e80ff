import Glibc
import Kernels
import Tokenization

/// One shard's way through the model: the encoder in a worker's memory, then what has a place.
struct ShardInference {
    let views: ModelViews
    let pass: ForwardPass
    let shard: Shard
    let places: OutputPlaces
    let memory: Memory
    let firstTokensSuffice: Bool

    /// A worker's buffers. Rows are the shard's; W is the wider of E and H.
    struct Memory {
        let states: (Matrix, Matrix)  // [rows, H] each
        let projections: Matrix  // [rows, 3H]; of it a layer uses [rows, 3A]
        let context: Matrix  // [rows, H]; of it a layer uses [rows, A]
        let sum: Matrix  // [rows, W]
        let attended: Matrix  // [rows, W]
        let intermediate: Matrix  // [a block of rows, I]
        let first: Matrix  // [sequences, H]
        let query: Matrix  // [sequences, H]; of it the last layer uses [sequences, A]
        let spans: Matrix  // [rows, 2]
        let scratch: UnsafeMutablePointer<Float>
    }

    init(
        views: ModelViews,
        pass: ForwardPass,
        shard: Shard,
        places: OutputPlaces,
        workspace: inout GrowingBuffer,
        team: WorkerPool? = nil
    ) {
        self.views = views
        self.shard = shard
        self.places = places
        let configuration = pass.configuration
        firstTokensSuffice = !places.readEveryToken(
            configuration.head,
            layerCount: configuration.hiddenLayerCount
        )
        let (hidden, inner) = (configuration.hiddenSize, configuration.intermediateSize)
        let wide = max(hidden, configuration.embeddingSize)
        let (rows, sequences) = (shard.rows.count, shard.sequences.count)
        let longest = shard.sequences.map(pass.batch.length(of:)).max() ?? 0
        let block = min(rows, Linear.blockHeight)
        let scratchCount = Attention.scratchCount(
            length: longest,
            headSize: configuration.headSize
        )
        var next = workspace.reserve(
            rows * (6 * hidden + 2 * wide + 2) + block * inner + sequences * 2 * hidden
                + (team?.workerCount ?? 1) * scratchCount
        )
        func take(_ rows: Int, _ columns: Int) -> Matrix {
            defer { next += rows * columns }
            return Matrix(next, rows: rows, columns: columns)
        }
        memory = Memory(
            states: (take(rows, hidden), take(rows, hidden)),
            projections: take(rows, 3 * hidden),
            context: take(rows, hidden),
            sum: take(rows, wide),
            attended: take(rows, wide),
            intermediate: take(block, inner),
            first: take(sequences, hidden),
            query: take(sequences, hidden),
            spans: take(rows, 2),
            scratch: next
        )
        var shared = pass
        if let team {
            shared.team = ForwardPass.Team(
                pool: team,
                scratch: memory.scratch,
                scratchCount: scratchCount
            )
        }
        self.pass = shared
    }

    func run(_ indices: EmbeddingRows) {
        pass.recorder?.lap(.planning)
        var (input, output) = memory.states
        embed(indices, into: input)
        keep(input, as: 0)
        let origin = (row: shard.rows.lowerBound, sequence: shard.sequences.lowerBound)
        for (index, layer) in views.layers.enumerated() {
            if finishesEarly(before: index, layer, input) { return }
            pass.layer(
                index,
                layer,
                activations(index, from: input, to: output),
                shard: shard,
                origin: origin,
                attentionOffsets: places.scoreBlocks,
                scratch: memory.scratch
            )
            normalizeScores(layer: index)
            keepQueryKeyValue(layer: index)
            swap(&input, &output)
            keep(input, as: index + 1)
        }
        if let last = places.last { copy(input, to: last.slice(shard.rows)) }
        if let standing = places.standing { copy(input, to: standing.slice(shard.sequences)) }
        if places.readPooled(pass.configuration.head) { poolAndClassify(input) }
        if firstTokensSuffice { return }
        classifyTokens(input)
        predict(input, intermediate: memory.context)
    }

    /// x⁰, through `embeddings_project` where the embeddings have another width.
    private func embed(_ indices: EmbeddingRows, into input: Matrix) {
        let size = pass.configuration.embeddingSize
        let sum = Matrix(memory.sum.base, rows: input.rows, columns: size)
        guard let project = views.embeddingsProject else {
            pass.embed(views, indices, rows: shard.rows, sum: sum, saved: nil, into: input)
            return
        }
        let embedded = Matrix(memory.attended.base, rows: input.rows, columns: size)
        pass.embed(views, indices, rows: shard.rows, sum: sum, saved: nil, into: embedded)
        project.forward(embedded, into: input)
        pass.recorder?.forward(.embeddingProjection, project, rows: input.rows)
    }

    private func activations(
        _ index: Int,
        from input: Matrix,
        to output: Matrix
    ) -> LayerActivations {
        let firstOnly = firstTokensSuffice && index == views.layers.count - 1
        let hidden = pass.configuration.hiddenSize
        let width = views.layers[index].attentionWidth
        let queries = firstOnly ? shard.sequences.count : shard.rows.count
        func view(_ matrix: Matrix) -> Matrix {
            Matrix(matrix.base, rows: queries, columns: hidden)
        }
        func part(_ number: Int, of parts: Int) -> Matrix {
            Matrix(
                memory.projections.base + number * width,
                rows: shard.rows.count,
                columns: width,
                stride: parts * width
            )
        }
        return LayerActivations(
            firstTokenOnly: firstOnly,
            input: input,
            queryInput: firstOnly ? memory.first : input,
            query: firstOnly ? memory.query.narrowed(to: width) : part(0, of: 3),
            key: firstOnly ? part(0, of: 2) : part(1, of: 3),
            value: firstOnly ? part(1, of: 2) : part(2, of: 3),
            scores: places.scores(ofLayer: index),
            context: view(memory.context).narrowed(to: width),
            attentionSum: view(memory.sum),
            attended: view(memory.attended),
            intermediate: memory.intermediate,
            activated: memory.intermediate,
            outputSum: view(memory.sum),
            output: view(output)
        )
    }

    private func keep(_ state: Matrix, as index: Int) {
        if let place = places.intermediate?.outputs.hiddenStates[index] {
            copy(state, to: place.slice(shard.rows))
        }
        guard !places.hiddenStates.isEmpty else { return }
        copy(state, to: places.hiddenStates[index].slice(shard.rows))
    }

    func copy(_ source: Matrix, to target: Matrix) {
        target.base.update(from: source.base, count: target.rows * target.columns)
    }

    /// Turns the shard's scores of a layer into probabilities, in place.
    private func normalizeScores(layer: Int) {
        guard let (layers, blocks) = places.attentions else { return }
        let (base, heads) = (layers[layer].base, pass.configuration.headCount(ofLayer: layer))
        for sequence in shard.sequences {
            let length = pass.batch.length(of: sequence)
            let block = blocks.places(of: sequence..<sequence + 1, headCount: heads)
            for start in stride(from: block.lowerBound, to: block.upperBound, by: max(1, length)) {
                let row = UnsafeMutableBufferPointer(start: base + start, count: length)
                let highest = row.max() ?? 0
                var total: Float = 0
                for index in row.indices {
                    row[index] = expf(row[index] - highest)
                    total += row[index]
                }
                for index in row.indices { row[index] /= total }
            }
        }
    }
}
