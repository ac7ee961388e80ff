#include <hdf5.h>

// HDF5's constants are macros that initialise the library before naming a variable; Swift imports
// no such macro.
static inline unsigned bertkit_H5F_ACC_EXCL(void) { return H5F_ACC_EXCL; }
static inline hid_t bertkit_H5P_GROUP_CREATE(void) { return H5P_GROUP_CREATE; }
static inline hid_t bertkit_H5P_DATASET_CREATE(void) { return H5P_DATASET_CREATE; }
static inline hid_t bertkit_H5T_IEEE_F32LE(void) { return H5T_IEEE_F32LE; }
static inline hid_t bertkit_H5T_IEEE_F64LE(void) { return H5T_IEEE_F64LE; }
static inline hid_t bertkit_H5T_STD_I8LE(void) { return H5T_STD_I8LE; }
static inline hid_t bertkit_H5T_C_S1(void) { return H5T_C_S1; }
static inline size_t bertkit_H5T_VARIABLE(void) { return H5T_VARIABLE; }
static inline haddr_t bertkit_HADDR_UNDEF(void) { return HADDR_UNDEF; }
