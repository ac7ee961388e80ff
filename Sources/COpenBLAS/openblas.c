#define _GNU_SOURCE
#include "openblas.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The CBLAS standard's constants.
enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111, TRANSPOSE = 112 };

typedef void sgemm(int, int, int, int, int, int, float, const float *, int, const float *, int, float,
                   float *, int);
typedef char *get_config(void);
// LAPACK's, called as Fortran: everything by reference, and the lengths of texts behind.
typedef void dsyevd(const char *, const char *, const int *, double *, const int *, double *, double *,
                    const int *, int *, const int *, int *, size_t, size_t);

static sgemm *multiply;
static get_config *configuration;
static dsyevd *eigenvectors;
static char *problem;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
    // Products run inside our own workers. The library reads this when it is loaded.
    static const char threads[] = "OPENBLAS_NUM_THREADS";
    char *given = getenv(threads) ? strdup(getenv(threads)) : NULL;
    setenv(threads, "1", 1);
    static const char *const names[] = {"libopenblas.so.0", "libopenblas.so", "libopenblas.dylib"};
    void *library = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !library; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (given)
        setenv(threads, given, 1);
    else
        unsetenv(threads);
    free(given);
    if (library) {
        multiply = (sgemm *)dlsym(library, "cblas_sgemm");
        configuration = (get_config *)dlsym(library, "openblas_get_config");
        eigenvectors = (dsyevd *)dlsym(library, "dsyevd_");
    }
    if (multiply) return;
    const char *reason = dlerror();
    problem = strdup(reason ? reason : "it has no cblas_sgemm");
}

static void require(void) {
    pthread_once(&once, load);
    if (multiply) return;
    fprintf(stderr, "bertkit: OpenBLAS cannot be loaded: %s. Install libopenblas-dev.\n", problem);
    exit(69);
}

const char *bk_openblas_problem(void) {
    pthread_once(&once, load);
    return problem;
}

void bk_openblas_sgemm(int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                       const float *a, int lda, const float *b, int ldb, float beta, float *c,
                       int ldc) {
    require();
    multiply(ROW_MAJOR, transpose_a ? TRANSPOSE : NO_TRANSPOSE,
             transpose_b ? TRANSPOSE : NO_TRANSPOSE, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

const char *bk_openblas_description(void) {
    require();
    return configuration ? configuration() : "OpenBLAS";
}

int bk_openblas_dsyevd(int n, double *a, double *values) {
    require();
    if (!eigenvectors) return -1;
    double real_size;
    int whole_size, query = -1, status;
    eigenvectors("V", "U", &n, a, &n, values, &real_size, &query, &whole_size, &query, &status, 1, 1);
    if (status) return status;
    int real_count = (int)real_size;
    double *real = malloc(sizeof *real * (size_t)real_count);
    int *whole = malloc(sizeof *whole * (size_t)whole_size);
    if (real && whole)
        eigenvectors("V", "U", &n, a, &n, values, real, &real_count, whole, &whole_size, &status, 1, 1);
    else
        status = -1;
    free(real);
    free(whole);
    return status;
}
