// Module Distillation.
