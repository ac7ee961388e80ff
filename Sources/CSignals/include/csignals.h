#ifndef BERTKIT_CSIGNALS_H
#define BERTKIT_CSIGNALS_H

/// Takes SIGINT and SIGTERM over and ignores SIGHUP.
///
/// A signal ends the process at once with 128 + its number; where signals are deferred, only the second
/// does, and the first is remembered.
void bk_signals_handle(void);

/// Whether a first signal is only remembered.
void bk_signals_defer(int defers);

/// The signal that was remembered, 0 for none.
int bk_signals_received(void);

/// What a signal that is not deferred removes before it ends the process: files, and then a folder if it is
/// empty. NULL for nothing. Copies the paths.
void bk_signals_remove(const char *first, const char *second, const char *folder);

#endif
