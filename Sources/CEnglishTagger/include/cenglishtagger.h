#ifndef CENGLISHTAGGER_H
#define CENGLISHTAGGER_H

#include <stddef.h>

/// The bytes of fixtures/tagger/english.tagger.
const unsigned char *bk_english_tagger(void);

size_t bk_english_tagger_byte_count(void);

#endif
