#pragma once
// Every kernel is compiled once per instruction set under a name of its own; the loader binds the
// public name to the best version the processor has.

#define KERNELS(X) \
    X(bk_gelu_forward) \
    X(bk_gelu_backward) \
    X(bk_gelu_tanh_forward) \
    X(bk_gelu_tanh_backward) \
    X(bk_relu_forward) \
    X(bk_relu_backward) \
    X(bk_add_bias) \
    X(bk_add_column_sums) \
    X(bk_add) \
    X(bk_scale) \
    X(bk_sum_of_squares) \
    X(bk_all_finite) \
    X(bk_dropout_apply) \
    X(bk_layer_norm_forward) \
    X(bk_layer_norm_backward) \
    X(bk_embedding_sum) \
    X(bk_attention_forward) \
    X(bk_attention_backward) \
    X(bk_to_bfloat16) \
    X(bk_quantize_rows) \
    X(bk_dequantize_rows) \
    X(bk_round_to_bytes) \
    X(bk_gelu_quick) \
    X(bk_byte_product) \
    X(bk_adamw_step) \
    X(bk_adamw_idle_steps) \
    X(bk_squared_difference) \
    X(bk_softmax_divergence) \
    X(bk_softmax_cross_entropy) \
    X(bk_relation_divergence) \
    X(bk_lstm_forward) \
    X(bk_lstm_backward)

#ifdef VERSION
#define JOINED(name, version) name##version
#define JOIN(name, version) JOINED(name, version)
#define bk_gelu_forward JOIN(bk_gelu_forward, VERSION)
#define bk_gelu_backward JOIN(bk_gelu_backward, VERSION)
#define bk_gelu_tanh_forward JOIN(bk_gelu_tanh_forward, VERSION)
#define bk_gelu_tanh_backward JOIN(bk_gelu_tanh_backward, VERSION)
#define bk_relu_forward JOIN(bk_relu_forward, VERSION)
#define bk_relu_backward JOIN(bk_relu_backward, VERSION)
#define bk_add_bias JOIN(bk_add_bias, VERSION)
#define bk_add_column_sums JOIN(bk_add_column_sums, VERSION)
#define bk_add JOIN(bk_add, VERSION)
#define bk_scale JOIN(bk_scale, VERSION)
#define bk_sum_of_squares JOIN(bk_sum_of_squares, VERSION)
#define bk_all_finite JOIN(bk_all_finite, VERSION)
#define bk_dropout_apply JOIN(bk_dropout_apply, VERSION)
#define bk_layer_norm_forward JOIN(bk_layer_norm_forward, VERSION)
#define bk_layer_norm_backward JOIN(bk_layer_norm_backward, VERSION)
#define bk_embedding_sum JOIN(bk_embedding_sum, VERSION)
#define bk_attention_forward JOIN(bk_attention_forward, VERSION)
#define bk_attention_backward JOIN(bk_attention_backward, VERSION)
#define bk_to_bfloat16 JOIN(bk_to_bfloat16, VERSION)
#define bk_quantize_rows JOIN(bk_quantize_rows, VERSION)
#define bk_dequantize_rows JOIN(bk_dequantize_rows, VERSION)
#define bk_round_to_bytes JOIN(bk_round_to_bytes, VERSION)
#define bk_gelu_quick JOIN(bk_gelu_quick, VERSION)
#define bk_byte_product JOIN(bk_byte_product, VERSION)
#define bk_adamw_step JOIN(bk_adamw_step, VERSION)
#define bk_adamw_idle_steps JOIN(bk_adamw_idle_steps, VERSION)
#define bk_squared_difference JOIN(bk_squared_difference, VERSION)
#define bk_softmax_divergence JOIN(bk_softmax_divergence, VERSION)
#define bk_softmax_cross_entropy JOIN(bk_softmax_cross_entropy, VERSION)
#define bk_relation_divergence JOIN(bk_relation_divergence, VERSION)
#define bk_lstm_forward JOIN(bk_lstm_forward, VERSION)
#define bk_lstm_backward JOIN(bk_lstm_backward, VERSION)
#endif
