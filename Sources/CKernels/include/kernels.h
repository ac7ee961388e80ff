#pragma once
#include <stddef.h>
#include <stdint.h>

// Element-wise, normalisation, attention, dropout and optimizer loops over packed rows.
//
// Every function runs on the calling thread, allocates nothing, and is compiled for AVX-512, AVX2 and
// the baseline instruction set; the loader picks the version for the processor. Matrices are row-major;
// "stride" is the distance between rows in elements. Formulas and dimension letters: docs/numerics.md.

/// Philox4x32-10 position of a dropout mask: element e of the mask is word e % 4 of block e / 4.
typedef struct {
    uint64_t seed;
    uint32_t step;
    uint32_t site;
    /// Chance of being dropped, in [0, 1); 0 means no dropout.
    float probability;
} bk_dropout;

/// Flushes denormal numbers to zero on the calling thread; gives what it did with them before.
uint64_t bk_flush_denormals(void);
/// Treats denormal numbers as `bk_flush_denormals` found it.
void bk_restore_denormals(uint64_t control);
/// The processors this process may run on, at least 1.
int bk_available_processors(void);
/// 64-byte aligned memory of the calling thread's own, at least `bytes` long, kept until the thread
/// ends; the contents do not survive growth. `slot`: 0, 1 or 2, for memory used at the same time.
void *bk_thread_memory(int slot, size_t bytes);

// out[i] = gelu(in[i]) in the exact (erf) form; backward: d_in[i] = d_out[i] * gelu'(in[i]).
void bk_gelu_forward(const float *in, float *out, size_t count);
void bk_gelu_backward(const float *in, const float *d_out, float *d_in, size_t count);
// The tanh approximation.
void bk_gelu_tanh_forward(const float *in, float *out, size_t count);
void bk_gelu_tanh_backward(const float *in, const float *d_out, float *d_in, size_t count);
void bk_relu_forward(const float *in, float *out, size_t count);
void bk_relu_backward(const float *in, const float *d_out, float *d_in, size_t count);

/// Adds `bias[columns]` to each row.
void bk_add_bias(float *rows, const float *bias, size_t row_count, size_t columns);
/// sums[columns] += the sum of the rows, in row order.
void bk_add_column_sums(const float *rows, size_t stride, float *sums, size_t row_count,
                        size_t columns);
/// a[i] += b[i].
void bk_add(float *a, const float *b, size_t count);
/// a[i] *= factor.
void bk_scale(float *a, float factor, size_t count);
/// The sum of squares, accumulated in double precision.
double bk_sum_of_squares(const float *a, size_t count);
/// 1 when every element is finite.
int bk_all_finite(const float *a, size_t count);

/// in[i] = keep ? in[i] / (1 - p) : 0 for mask elements first_element + i.
void bk_dropout_apply(float *values, size_t count, uint64_t first_element, bk_dropout dropout);

/// One row block of: sum = dropout(dense) + residual; out = LayerNorm(sum).
///
/// `sum`, `mean` and `rstd` are written when `sum` is not NULL (`sum` may be `dense`). `residual` may be
/// NULL. `first_row` places the block in the batch, for the dropout mask. `dropout_after` drops the
/// output instead (as BERT's embeddings do).
void bk_layer_norm_forward(float *dense, const float *residual, const float *weight,
                           const float *bias, float epsilon, float *sum, float *mean, float *rstd,
                           float *out, size_t row_count, size_t columns, size_t first_row,
                           bk_dropout dropout, int dropout_after);

/// d_sum = gradient of the LayerNorm's input; d_weight and d_bias (columns) accumulate.
void bk_layer_norm_backward(const float *d_out, const float *sum, const float *mean,
                            const float *rstd, const float *weight, float *d_sum, float *d_weight,
                            float *d_bias, size_t row_count, size_t columns);

/// out[row] = word[ids[row]] + position[row - start of its sequence] + type[types[row]].
void bk_embedding_sum(const int32_t *ids, const int32_t *positions, const int32_t *types,
                      const float *word, const float *position, const float *type, float *out,
                      size_t row_count, size_t columns);

/// Floats of scratch that attention over one sequence needs.
size_t bk_attention_scratch(size_t length, size_t head_size);

/// Scaled dot-product attention of one sequence, for its first `queries` tokens, at least one.
///
/// q, out: [queries, heads * head_size]; k, v: [length, heads * head_size]. `log_sum` [heads, queries]
/// receives the softmax's log-sum-exp when not NULL, `scores` [heads, queries, length] the unnormalised
/// scores QK'/sqrt(d) when not NULL. The dropout mask is [heads, queries, length] from `first_element`.
void bk_attention_forward(const float *q, size_t q_stride, const float *k, const float *v,
                          size_t stride, float *out, size_t out_stride, size_t heads,
                          size_t queries, size_t length, size_t head_size, float scale,
                          float *log_sum, float *scores, uint64_t first_element,
                          bk_dropout dropout, float *scratch);

/// Gradients of the above; the probabilities are computed again from `log_sum`.
///
/// `d_scores` [heads, queries, length], when not NULL, is added to the gradient of the unnormalised scores.
/// d_q (`q_stride`) and d_k, d_v (`stride`) are overwritten.
void bk_attention_backward(const float *q, size_t q_stride, const float *k, const float *v,
                           size_t stride, const float *d_out, size_t out_stride, size_t heads,
                           size_t queries, size_t length, size_t head_size, float scale,
                           const float *log_sum, const float *d_scores, uint64_t first_element,
                           bk_dropout dropout, float *d_q, float *d_k, float *d_v,
                           float *scratch);

/// out[row_count, columns] = the rows in bfloat16, rounded to nearest, ties to even.
void bk_to_bfloat16(const float *in, size_t stride, size_t rows, size_t columns, uint16_t *out);
/// Each row as bytes over its own range: in = low + scale * out, to half a step.
///
/// out: [rows, columns], `out_stride` apart; scales, lows: [rows].
void bk_quantize_rows(const float *in, size_t stride, size_t rows, size_t columns, uint8_t *out,
                      size_t out_stride, float *scales, float *lows);
/// out[r, c] = activation(weight_scales[c] * scales[r] * in[r, c] + lows[r] * weight_sums[c] + bias[c]).
///
/// in: [rows, columns] sums of products of bytes; `weight_sums` the sums of each output's weights as
/// they are after rounding; `activation` as in `bk_product`, GELU to 6e-5.
void bk_dequantize_rows(const int32_t *in, size_t rows, size_t columns, const float *scales,
                        const float *lows, const float *weight_scales, const float *weight_sums,
                        const float *bias, int activation, float *out, size_t stride);
/// Rounds weights to bytes, the largest to 127 or -127; gives the scale, and the bytes' sum.
float bk_round_to_bytes(const float *in, int8_t *out, size_t count, int32_t *sum);
/// GELU to 6e-5, for values that are rounded to eight bits next; `in` is packed, `stride` that of out.
void bk_gelu_quick(const float *in, size_t rows, size_t columns, float *out, size_t stride);
/// c[m, n] = a[m, k] b[n, k]'; exact.
void bk_byte_product(const uint8_t *a, const int8_t *b, int32_t *c, size_t m, size_t n, size_t k);

/// One AdamW step of `count` consecutive weights.
///
/// `gradient_scale` multiplies the gradient (clipping); `decay` is learning rate times weight decay;
/// `step_size` is learning rate / (1 - beta1^t); `second_correction` is 1 / sqrt(1 - beta2^t). `rest1`
/// and `rest2` are 1 - beta, which a difference of floats would get right to four digits only.
typedef struct {
    float beta1, beta2, rest1, rest2, epsilon, step_size, second_correction, decay, gradient_scale;
} bk_adamw;
void bk_adamw_step(float *weight, float *first, float *second, const float *gradient, size_t count,
                   bk_adamw constants);
/// The same with a gradient of zero, for `step_count` steps in turn over one short row.
void bk_adamw_idle_steps(float *weight, float *first, float *second, size_t count,
                         const bk_adamw *steps, size_t step_count);

/// The sum of (a - b)^2; gradient = factor (a - b), or += it.
double bk_squared_difference(const float *a, const float *b, float *gradient, size_t count,
                             float factor, int accumulate);
/// KL(p || q) in nats, p the softmax of `teacher_scale` times the teacher's row and q that of
/// `student_scale` times the student's.
///
/// gradient += factor (q - p) when not NULL. `entropy` receives that of p when not NULL.
double bk_softmax_divergence(const float *student, const float *teacher, float *gradient,
                             size_t count, float student_scale, float teacher_scale, float factor,
                             double *entropy);
/// -ln softmax(logits)[target], in nats; gradient += factor (softmax - one at the target) when not NULL.
double bk_softmax_cross_entropy(const float *logits, size_t target, float *gradient, size_t count,
                                float factor);
/// Floats of scratch that the relations of one sequence and head need.
size_t bk_relation_scratch(size_t length, size_t student_size, size_t teacher_size);
/// The sum over rows of KL(softmax(teacher_scale T T') || softmax(student_scale S S')), S
/// [length, student_size] and T [length, teacher_size] being one head of one sequence.
///
/// d_student (of the student's stride) += factor times its gradient.
double bk_relation_divergence(const float *student, size_t student_stride, size_t student_size,
                              const float *teacher, size_t teacher_stride, size_t teacher_size,
                              size_t length, float student_scale, float teacher_scale, float factor,
                              float *d_student, float *scratch);

/// One time step of a long short-term memory for `rows` sequences.
///
/// gates: [rows, 4 * units], each row input, forget, candidate and output gate; what their activations
/// read is replaced by what they give. `c_before`: the cells of the step before, NULL for zeros. c, h:
/// the cells and the output; each [rows, units], and c may be `c_before`.
void bk_lstm_forward(float *gates, const float *c_before, float *c, float *h, size_t rows,
                     size_t units);
/// Gradients of the above. `gates` as it was left is replaced by the gradient of what the activations
/// read; `d_c`, the gradient of c by the steps that follow, by that of `c_before`.
void bk_lstm_backward(float *gates, const float *c_before, const float *c, const float *d_h,
                      float *d_c, size_t rows, size_t units);

/// Every kernel of one instruction set, so that the versions can be held against each other. Anything
/// else calls the kernels by their names.
typedef struct {
    const char *name;
    __typeof(bk_gelu_forward) *bk_gelu_forward;
    __typeof(bk_gelu_backward) *bk_gelu_backward;
    __typeof(bk_gelu_tanh_forward) *bk_gelu_tanh_forward;
    __typeof(bk_gelu_tanh_backward) *bk_gelu_tanh_backward;
    __typeof(bk_relu_forward) *bk_relu_forward;
    __typeof(bk_relu_backward) *bk_relu_backward;
    __typeof(bk_add_bias) *bk_add_bias;
    __typeof(bk_add_column_sums) *bk_add_column_sums;
    __typeof(bk_add) *bk_add;
    __typeof(bk_scale) *bk_scale;
    __typeof(bk_sum_of_squares) *bk_sum_of_squares;
    __typeof(bk_all_finite) *bk_all_finite;
    __typeof(bk_dropout_apply) *bk_dropout_apply;
    __typeof(bk_layer_norm_forward) *bk_layer_norm_forward;
    __typeof(bk_layer_norm_backward) *bk_layer_norm_backward;
    __typeof(bk_embedding_sum) *bk_embedding_sum;
    __typeof(bk_attention_forward) *bk_attention_forward;
    __typeof(bk_attention_backward) *bk_attention_backward;
    __typeof(bk_adamw_step) *bk_adamw_step;
    __typeof(bk_adamw_idle_steps) *bk_adamw_idle_steps;
    __typeof(bk_to_bfloat16) *bk_to_bfloat16;
    __typeof(bk_quantize_rows) *bk_quantize_rows;
    __typeof(bk_dequantize_rows) *bk_dequantize_rows;
    __typeof(bk_round_to_bytes) *bk_round_to_bytes;
    __typeof(bk_gelu_quick) *bk_gelu_quick;
    __typeof(bk_byte_product) *bk_byte_product;
    __typeof(bk_squared_difference) *bk_squared_difference;
    __typeof(bk_softmax_divergence) *bk_softmax_divergence;
    __typeof(bk_softmax_cross_entropy) *bk_softmax_cross_entropy;
    __typeof(bk_relation_divergence) *bk_relation_divergence;
    __typeof(bk_lstm_forward) *bk_lstm_forward;
    __typeof(bk_lstm_backward) *bk_lstm_backward;
} bk_kernel_version;

/// The versions that this processor can run, the baseline first; returns how many (at most three).
size_t bk_kernel_versions(bk_kernel_version versions[3]);
