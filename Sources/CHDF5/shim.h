#include <hdf5.h>

// Macros that Swift cannot import.
static inline unsigned bertkit_H5F_ACC_RDONLY(void) { return H5F_ACC_RDONLY; }
