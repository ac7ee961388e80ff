// Module Bert.
