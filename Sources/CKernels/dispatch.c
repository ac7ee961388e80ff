#define _GNU_SOURCE
#include "kernels.h"
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "versions.h"

#if defined(__x86_64__)
#define BIND(NAME)                                                      \
    extern __typeof(NAME) NAME##_avx512, NAME##_avx2, NAME##_baseline;  \
    static __typeof(NAME) *choose_##NAME(void) {                        \
        __builtin_cpu_init();                                           \
        if (__builtin_cpu_supports("x86-64-v4")) return NAME##_avx512;  \
        if (__builtin_cpu_supports("x86-64-v3")) return NAME##_avx2;    \
        return NAME##_baseline;                                         \
    }                                                                   \
    __typeof(NAME) NAME __attribute__((ifunc("choose_" #NAME)));

KERNELS(BIND)

#define BK_MEMBER(NAME, VERSION) .NAME = NAME##VERSION,
#define BK_BASELINE(NAME) BK_MEMBER(NAME, _baseline)
#define BK_AVX2(NAME) BK_MEMBER(NAME, _avx2)
#define BK_AVX512(NAME) BK_MEMBER(NAME, _avx512)
#else
// One version, under the public names.
#define BK_BASELINE(NAME) .NAME = NAME,
#endif

size_t bk_kernel_versions(bk_kernel_version versions[3]) {
    size_t count = 0;
    versions[count++] = (bk_kernel_version){.name = "baseline", KERNELS(BK_BASELINE)};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("x86-64-v3"))
        versions[count++] = (bk_kernel_version){.name = "AVX2", KERNELS(BK_AVX2)};
    if (__builtin_cpu_supports("x86-64-v4"))
        versions[count++] = (bk_kernel_version){.name = "AVX-512", KERNELS(BK_AVX512)};
#endif
    return count;
}

static size_t padded(size_t n) { return (n + 15) / 16 * 16; }

size_t bk_attention_scratch(size_t length, size_t head_size) {
    size_t dp = padded(head_size), block = 32;
    size_t mask_bits = block * length > 8192 ? block * length : 8192;
    size_t columns = 2 * block * dp, weights = 2 * block * length;
    size_t packed = 2 * length * dp + 2 * block * dp;
    // A mask starts within four elements, is drawn up to 64 bits and read 64 bits at a time.
    return columns + weights + packed + (mask_bits + 4 + 63 + 64) / 32;
}

size_t bk_relation_scratch(size_t length, size_t student_size, size_t teacher_size) {
    size_t widest = student_size > teacher_size ? student_size : teacher_size;
    return (padded(widest) + 3 * length) * padded(length) + length * padded(student_size);
}

uint64_t bk_flush_denormals(void) {
#if defined(__x86_64__)
    uint64_t control = _mm_getcsr();
    bk_restore_denormals(control | 0x8040);
    return control;
#elif defined(__aarch64__)
    uint64_t control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    bk_restore_denormals(control | (1u << 24));
    return control;
#else
    return 0;
#endif
}

void bk_restore_denormals(uint64_t control) {
#if defined(__x86_64__)
    _mm_setcsr((unsigned)control);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" ::"r"(control));
#else
    (void)control;
#endif
}

int bk_available_processors(void) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}

typedef struct {
    void *data[3];
    size_t bytes[3];
} thread_memory;
static pthread_key_t memory_key;
static pthread_once_t memory_once = PTHREAD_ONCE_INIT;

static void free_memory(void *argument) {
    thread_memory *memory = argument;
    for (int slot = 0; slot < 3; slot++) free(memory->data[slot]);
    free(memory);
}
static void make_memory_key(void) { pthread_key_create(&memory_key, free_memory); }

static _Noreturn void out_of_memory(size_t bytes) {
    fprintf(stderr, "out of memory: %zu bytes\n", bytes);
    abort();
}

void *bk_thread_memory(int slot, size_t bytes) {
    pthread_once(&memory_once, make_memory_key);
    thread_memory *memory = pthread_getspecific(memory_key);
    if (!memory) {
        memory = calloc(1, sizeof *memory);
        if (!memory || pthread_setspecific(memory_key, memory)) out_of_memory(sizeof *memory);
    }
    if (memory->bytes[slot] < bytes) {
        free(memory->data[slot]);
        size_t wanted = (bytes + bytes / 4 + 4095) / 4096 * 4096;
        memory->data[slot] = aligned_alloc(4096, wanted);
        if (!memory->data[slot]) out_of_memory(wanted);
        memory->bytes[slot] = wanted;
    }
    return memory->data[slot];
}
