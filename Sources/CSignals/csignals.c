#define _POSIX_C_SOURCE 200809L

#include "csignals.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// A handler may run at any moment on any thread: it uses lock-free atomics and async-signal-safe calls
// (signal-safety(7)), and no Swift.
static atomic_int received;
static atomic_int defers;
static _Atomic(char *) first_file;
static _Atomic(char *) second_file;
static _Atomic(char *) folder_path;

static void handle(int number) {
    int none = 0;
    if (atomic_load(&defers)) {
        if (atomic_compare_exchange_strong(&received, &none, number)) return;
        // What is there belongs to what was saved.
        _exit(128 + number);
    }
    char *first = atomic_load(&first_file);
    char *second = atomic_load(&second_file);
    char *folder = atomic_load(&folder_path);
    if (first != NULL) unlink(first);
    if (second != NULL) unlink(second);
    if (folder != NULL) rmdir(folder);
    _exit(128 + number);
}

void bk_signals_handle(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handle;
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGHUP, SIG_IGN);
    // Whoever started the process may have blocked them, as a thread of libdispatch does.
    sigset_t handled;
    sigemptyset(&handled);
    sigaddset(&handled, SIGINT);
    sigaddset(&handled, SIGTERM);
    pthread_sigmask(SIG_UNBLOCK, &handled, NULL);
}

void bk_signals_defer(int value) { atomic_store(&defers, value); }

int bk_signals_received(void) { return atomic_load(&received); }

static void replace(_Atomic(char *) *place, const char *path) {
    // The old text is not freed: a handler may be reading it.
    atomic_store(place, path == NULL ? NULL : strdup(path));
}

void bk_signals_remove(const char *first, const char *second, const char *folder) {
    replace(&first_file, first);
    replace(&second_file, second);
    replace(&folder_path, folder);
}
