public import Tokenization

extension BertInference {
    /// Computes the selected intermediate outputs, and no layer above the last one read.
    ///
    /// - Parameter memory: where they are; the views are valid until its next use.
    /// - Precondition: the model has what is selected (`IntermediateSelection.fits`).
    public func intermediate(
        _ batch: PackedBatch,
        _ selection: IntermediateSelection,
        in memory: IntermediateMemory
    ) -> IntermediateOutputs {
        precondition(selection.fits(layerCount: configuration.hiddenLayerCount))
        let outputs = memory.layOut(batch, configuration, selection)
        run(batch, OutputPlaces(intermediate: (selection, outputs)))
        return outputs
    }
}
