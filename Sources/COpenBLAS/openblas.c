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

static sgemm *multiply;
static get_config *configuration;
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
    }
    if (multiply) return;
    const char *reason = dlerror();
    fprintf(stderr, "bertkit: OpenBLAS cannot be loaded: %s. Install libopenblas-dev.\n",
            reason ? reason : "it has no cblas_sgemm");
    exit(69);
}

void bk_openblas_sgemm(int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                       const float *a, int lda, const float *b, int ldb, float beta, float *c,
                       int ldc) {
    pthread_once(&once, load);
    multiply(ROW_MAJOR, transpose_a ? TRANSPOSE : NO_TRANSPOSE,
             transpose_b ? TRANSPOSE : NO_TRANSPOSE, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

const char *bk_openblas_description(void) {
    pthread_once(&once, load);
    return configuration ? configuration() : "OpenBLAS";
}
