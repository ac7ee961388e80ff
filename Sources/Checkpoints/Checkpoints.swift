// Module Checkpoints.
