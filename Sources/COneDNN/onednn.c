#include "onednn.h"

#ifdef BERTKIT_ONEDNN
#define _GNU_SOURCE
#include <dlfcn.h>
#include <dnnl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static dnnl_engine_t engine;
static pthread_once_t engine_once = PTHREAD_ONCE_INIT;
static void make_engine(void) {
    if (dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success) engine = NULL;
}

int bk_onednn_available(void) { return 1; }

const char *bk_onednn_version(void) {
    static char text[32];
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, sizeof text, "%d.%d.%d", v->major, v->minor, v->patch);
    return text;
}

static void (*set_threads)(int);
static pthread_once_t set_threads_once = PTHREAD_ONCE_INIT;
static void find_set_threads(void) {
    // Debian's build runs on OpenMP, whose header the compiler may lack; the loaded library has it.
    set_threads = (void (*)(int))dlsym(RTLD_DEFAULT, "omp_set_num_threads");
}

void bk_onednn_enter_thread(void) {
    pthread_once(&set_threads_once, find_set_threads);
    if (set_threads) set_threads(1);
}

struct bk_packed {
    dnnl_memory_desc_t layout;
    void *data;
    size_t bytes;
    /// Data that belongs to another.
    int is_view;
};

// A primitive is compiled for one shape. Each thread keeps those it has met, with the memory objects
// and the scratch it runs them on, so that the steady state allocates nothing and takes no lock.
typedef struct entry {
    bk_product product;
    const dnnl_memory_desc_t *packed_layout;
    dnnl_memory_desc_t packed_copy;
    dnnl_primitive_t primitive;
    dnnl_memory_t a, b, c, bias, scratch;
    size_t scratch_bytes;
    struct entry *next;
} entry;

#define BUCKETS 4096
typedef struct {
    entry *buckets[BUCKETS];
    dnnl_stream_t stream;
    void *scratch;
    size_t scratch_bytes;
} thread_state;
static __thread thread_state *state;

static size_t hash(const bk_product *p) {
    const int *words = (const int *)p;
    uint64_t h = 1469598103934665603u;
    for (size_t i = 0; i < sizeof *p / sizeof(int); i++) h = (h ^ (uint64_t)words[i]) * 1099511628211u;
    return (size_t)(h ^ h >> 32) % BUCKETS;
}

static dnnl_data_type_t type_of(int element) {
    static const dnnl_data_type_t types[] = {dnnl_f32, dnnl_bf16, dnnl_s32, dnnl_s8, dnnl_u8};
    return types[element];
}

static int has(dnnl_cpu_isa_t wanted) { return (dnnl_get_effective_cpu_isa() & wanted) == wanted; }

int bk_onednn_multiplies(int element) {
    switch (element) {
    case BK_BFLOAT16: return has(dnnl_cpu_isa_avx512_core_bf16);
    // Elsewhere sums of byte products saturate at 16 bits or run without vectors.
    case BK_UINT8: return has(dnnl_cpu_isa_avx512_core_vnni);
    default: return 1;
    }
}

static dnnl_status_t describe(const bk_product *p, const dnnl_memory_desc_t *packed, int any,
                              dnnl_memory_desc_t d[4], dnnl_primitive_desc_t *result) {
    dnnl_dims_t a_dims = {p->m, p->k}, b_dims = {p->k, p->n}, c_dims = {p->m, p->n};
    dnnl_dims_t bias_dims = {1, p->n};
    dnnl_dims_t a_strides = {p->a_row, p->a_column}, b_strides = {p->b_row, p->b_column};
    dnnl_dims_t c_strides = {p->c_row, 1}, bias_strides = {p->n, 1};
    dnnl_status_t s = dnnl_memory_desc_init_by_strides(&d[0], 2, a_dims, type_of(p->a_type), a_strides);
    if (s) return s;
    if (packed) {
        d[1] = *packed;
    } else if (any) {
        s = dnnl_memory_desc_init_by_tag(&d[1], 2, b_dims, type_of(p->b_type), dnnl_format_tag_any);
    } else {
        s = dnnl_memory_desc_init_by_strides(&d[1], 2, b_dims, type_of(p->b_type), b_strides);
    }
    if (s) return s;
    if ((s = dnnl_memory_desc_init_by_strides(&d[2], 2, c_dims, type_of(p->c_type), c_strides))) return s;
    if ((s = dnnl_memory_desc_init_by_strides(&d[3], 2, bias_dims, dnnl_f32, bias_strides))) return s;
    dnnl_matmul_desc_t matmul;
    if ((s = dnnl_matmul_desc_init(&matmul, &d[0], &d[1], p->has_bias ? &d[3] : NULL, &d[2]))) return s;
    dnnl_primitive_attr_t attributes;
    if ((s = dnnl_primitive_attr_create(&attributes))) return s;
    dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
    dnnl_post_ops_t after;
    dnnl_post_ops_create(&after);
    if (p->accumulate) dnnl_post_ops_append_sum(after, 1.0f);
    static const dnnl_alg_kind_t kinds[] = {dnnl_alg_kind_undef, dnnl_eltwise_gelu_erf,
                                            dnnl_eltwise_gelu_tanh, dnnl_eltwise_relu};
    if (p->activation) dnnl_post_ops_append_eltwise(after, 1.0f, kinds[p->activation], 0, 0);
    dnnl_primitive_attr_set_post_ops(attributes, after);
    s = dnnl_primitive_desc_create(result, &matmul, attributes, engine, NULL);
    dnnl_post_ops_destroy(after);
    dnnl_primitive_attr_destroy(attributes);
    return s;
}

bk_packed *bk_packed_create(bk_product shape, const void *b, int b_type) {
    pthread_once(&engine_once, make_engine);
    if (!engine) return NULL;
    dnnl_memory_desc_t d[4], plain;
    dnnl_primitive_desc_t description;
    if (describe(&shape, NULL, 1, d, &description)) return NULL;
    bk_packed *packed = calloc(1, sizeof *packed);
    packed->layout = *dnnl_primitive_desc_query_md(description, dnnl_query_weights_md, 0);
    dnnl_primitive_desc_destroy(description);
    packed->bytes = dnnl_memory_desc_get_size(&packed->layout);
    // Weights are streamed: in pages of 2 MB they miss no translations.
    size_t page = packed->bytes >= 1 << 18 ? 1 << 21 : 64;
    packed->data = aligned_alloc(page, (packed->bytes + page - 1) / page * page);
    if (page > 64) madvise(packed->data, packed->bytes, MADV_HUGEPAGE);

    dnnl_dims_t dims = {shape.k, shape.n}, strides = {shape.b_row, shape.b_column};
    dnnl_memory_desc_init_by_strides(&plain, 2, dims, type_of(b_type), strides);
    dnnl_primitive_desc_t reorder_description = NULL;
    dnnl_primitive_t reorder = NULL;
    dnnl_memory_t from = NULL, to = NULL;
    dnnl_stream_t stream = NULL;
    dnnl_status_t s = dnnl_stream_create(&stream, engine, dnnl_stream_default_flags);
    if (!s) s = dnnl_reorder_primitive_desc_create(&reorder_description, &plain, engine,
                                                   &packed->layout, engine, NULL);
    if (!s) s = dnnl_primitive_create(&reorder, reorder_description);
    if (!s) s = dnnl_memory_create(&from, &plain, engine, (void *)b);
    if (!s) s = dnnl_memory_create(&to, &packed->layout, engine, packed->data);
    if (!s) {
        dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
        s = dnnl_primitive_execute(reorder, stream, 2, arguments);
    }
    if (from) dnnl_memory_destroy(from);
    if (to) dnnl_memory_destroy(to);
    if (reorder) dnnl_primitive_destroy(reorder);
    if (reorder_description) dnnl_primitive_desc_destroy(reorder_description);
    if (stream) dnnl_stream_destroy(stream);
    if (s) {
        bk_packed_destroy(packed);
        return NULL;
    }
    return packed;
}

bk_packed *bk_packed_columns(const bk_packed *whole, bk_product shape, int first) {
    dnnl_memory_desc_t d[4];
    dnnl_primitive_desc_t description;
    if (describe(&shape, NULL, 1, d, &description)) return NULL;
    dnnl_memory_desc_t layout = *dnnl_primitive_desc_query_md(description, dnnl_query_weights_md, 0);
    dnnl_primitive_desc_destroy(description);
    // Blocks of columns must follow each other whole, and be of one form in both.
    const dnnl_blocking_desc_t *of = &whole->layout.format_desc.blocking;
    const dnnl_blocking_desc_t *part = &layout.format_desc.blocking;
    if (whole->layout.format_kind != dnnl_blocked || layout.format_kind != dnnl_blocked ||
        of->inner_nblks == 0 || of->inner_nblks != part->inner_nblks ||
        of->strides[0] != part->strides[0] || of->strides[1] != part->strides[1] ||
        whole->layout.padded_dims[0] != layout.padded_dims[0])
        return NULL;
    dnnl_dim_t block = 1, element = whole->layout.data_type == dnnl_f32 ? 4
                                    : whole->layout.data_type == dnnl_bf16 ? 2 : 1;
    for (int i = 0; i < of->inner_nblks; i++) {
        if (of->inner_idxs[i] != part->inner_idxs[i] || of->inner_blks[i] != part->inner_blks[i])
            return NULL;
        if (of->inner_idxs[i] == 1) block *= of->inner_blks[i];
    }
    if (first % block) return NULL;
    bk_packed *view = calloc(1, sizeof *view);
    view->layout = layout;
    view->data = (char *)whole->data + first / block * of->strides[1] * element;
    view->bytes = dnnl_memory_desc_get_size(&layout);
    view->is_view = 1;
    return view;
}

void bk_packed_destroy(bk_packed *packed) {
    if (!packed) return;
    if (!packed->is_view) free(packed->data);
    free(packed);
}

size_t bk_packed_byte_count(const bk_packed *packed) { return packed->bytes; }

static dnnl_status_t make_entry(const bk_product *p, const bk_packed *packed, entry **result) {
    dnnl_memory_desc_t d[4];
    dnnl_primitive_desc_t description;
    dnnl_status_t s = describe(p, packed ? &packed->layout : NULL, 0, d, &description);
    if (s) return s;
    entry *e = calloc(1, sizeof *e);
    e->product = *p;
    if (packed) {
        e->packed_copy = packed->layout;
        e->packed_layout = &e->packed_copy;
    }
    const dnnl_memory_desc_t *scratch =
        dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
    e->scratch_bytes = dnnl_memory_desc_get_size(scratch);
    s = dnnl_primitive_create(&e->primitive, description);
    if (!s) s = dnnl_memory_create(&e->a, &d[0], engine, NULL);
    if (!s) s = dnnl_memory_create(&e->b, &d[1], engine, NULL);
    if (!s) s = dnnl_memory_create(&e->c, &d[2], engine, NULL);
    if (!s && p->has_bias) s = dnnl_memory_create(&e->bias, &d[3], engine, NULL);
    if (!s) s = dnnl_memory_create(&e->scratch, scratch, engine, NULL);
    dnnl_primitive_desc_destroy(description);
    *result = e;
    return s;
}

int bk_product_run(const bk_product *p, const void *a, const void *b, const bk_packed *packed,
                   const float *bias, void *c) {
    if (!state) {
        pthread_once(&engine_once, make_engine);
        if (!engine) return -1;
        state = calloc(1, sizeof *state);
        dnnl_status_t s = dnnl_stream_create(&state->stream, engine, dnnl_stream_default_flags);
        if (s) return (int)s;
    }
    size_t bucket = hash(p);
    entry *e = state->buckets[bucket];
    while (e && (memcmp(&e->product, p, sizeof *p) ||
                 (packed == NULL) != (e->packed_layout == NULL) ||
                 (packed && !dnnl_memory_desc_equal(&packed->layout, e->packed_layout))))
        e = e->next;
    if (!e) {
        dnnl_status_t s = make_entry(p, packed, &e);
        if (s) return (int)s;
        e->next = state->buckets[bucket];
        state->buckets[bucket] = e;
    }
    if (state->scratch_bytes < e->scratch_bytes) {
        free(state->scratch);
        state->scratch_bytes = (e->scratch_bytes + 4095) / 4096 * 4096;
        state->scratch = aligned_alloc(4096, state->scratch_bytes);
    }
    dnnl_memory_set_data_handle(e->a, (void *)a);
    dnnl_memory_set_data_handle(e->b, packed ? packed->data : (void *)b);
    dnnl_memory_set_data_handle(e->c, c);
    dnnl_memory_set_data_handle(e->scratch, state->scratch);
    dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, e->a},
                                   {DNNL_ARG_WEIGHTS, e->b},
                                   {DNNL_ARG_DST, e->c},
                                   {DNNL_ARG_SCRATCHPAD, e->scratch},
                                   {DNNL_ARG_BIAS, e->bias}};
    if (p->has_bias) dnnl_memory_set_data_handle(e->bias, (void *)bias);
    return (int)dnnl_primitive_execute(e->primitive, state->stream, p->has_bias ? 5 : 4, arguments);
}

#else

int bk_onednn_available(void) { return 0; }
const char *bk_onednn_version(void) { return ""; }
void bk_onednn_enter_thread(void) {}
int bk_onednn_multiplies(int element) { return (void)element, 0; }
bk_packed *bk_packed_create(bk_product shape, const void *b, int b_type) {
    return (void)shape, (void)b, (void)b_type, (bk_packed *)0;
}
bk_packed *bk_packed_columns(const bk_packed *whole, bk_product shape, int first) {
    return (void)whole, (void)shape, (void)first, (bk_packed *)0;
}
void bk_packed_destroy(bk_packed *packed) { (void)packed; }
size_t bk_packed_byte_count(const bk_packed *packed) { return (void)packed, 0; }
int bk_product_run(const bk_product *product, const void *a, const void *b,
                   const bk_packed *packed, const float *bias, void *c) {
    (void)product, (void)a, (void)b, (void)packed, (void)bias, (void)c;
    return -1;
}

#endif
