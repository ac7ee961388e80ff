#include "cenglishtagger.h"

// Clang knows #embed in every dialect, and says that it is C23's.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char bytes[] = {
#embed "../../fixtures/tagger/english.tagger"
};

const unsigned char *bk_english_tagger(void) { return bytes; }

size_t bk_english_tagger_byte_count(void) { return sizeof bytes; }
