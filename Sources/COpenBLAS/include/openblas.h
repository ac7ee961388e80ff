#pragma once

// OpenBLAS, loaded when it is first called: it starts threads as soon as it is loaded, which spin
// for a while, and most commands never multiply with it.
//
// Where it cannot be loaded, a call says so on standard error and ends the process with code 69.

/// `cblas_sgemm` of the CBLAS standard for row-major matrices: C = alpha · op(A) op(B) + beta · C.
void bk_openblas_sgemm(int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                       const float *a, int lda, const float *b, int ldb, float beta, float *c,
                       int ldc);
/// Why the library cannot be loaded; NULL where it can.
const char *bk_openblas_problem(void);
/// The library's version and build, for logs.
const char *bk_openblas_description(void);
/// `dsyevd` of LAPACK: the eigenvectors of the symmetric n × n matrix `a`, one per row, in its place, and
/// its eigenvalues, ascending. 0 for success; else the library has no LAPACK, there is no memory, or it
/// did not converge.
int bk_openblas_dsyevd(int n, double *a, double *values);
