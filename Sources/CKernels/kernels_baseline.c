// The kernels for the instruction set every processor of the platform has.
#if defined(__x86_64__)
#define VERSION _baseline
#endif
#define MASKED_MEMORY 0
#include "versions.h"
#include "kernels.h"
#include <math.h>
#include "vector.h"
#include "elementwise.inc.h"
#include "precision.inc.h"
#include "layernorm.inc.h"
#include "attention.inc.h"
#include "attention_backward.inc.h"
#include "adamw.inc.h"
#include "distillation.inc.h"
#include "lstm.inc.h"
