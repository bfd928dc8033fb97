// SPDX-License-Identifier: BSD-3-Clause
// One connection to an upstream, by TCP (RFC 7766) or TLS (RFC 7858), that many questions share
// and that stays open for the next. With TLS the certificate must be of the name that the config
// says, by an authority that it trusts: otherwise nothing is asked. DNS thread.
#pragma once

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>

struct upstream;
struct upstream_stream;

// The answer with the question's own id; NULL: the connection has ended, or was never there.
// The question is over then.
typedef void (*upstream_stream_fn)(void *ctx, uint8_t *message, size_t bytes);

// `upstream` is borrowed. NULL: no memory.
struct upstream_stream *upstream_stream_new(
	struct upstream *upstream, struct event_base *base, void *ssl_ctx);
void upstream_stream_free(struct upstream_stream *stream); // nobody is told; NULL is fine

// Connects, if it is not.
void upstream_stream_warm(struct upstream_stream *stream);
// The number of the question, or -1: not now. `fn` is never called before this returns.
int upstream_stream_ask(struct upstream_stream *stream, const uint8_t *message, size_t bytes,
	upstream_stream_fn fn, void *ctx);
// Its answer is no longer wanted.
void upstream_stream_forget(struct upstream_stream *stream, int number);

// An SSL_CTX that trusts the authorities of that file; NULL: those of the machine. NULL with the
// reason; to be freed by upstream_tls_free.
struct error;
void *upstream_tls_new(const char *certificates, struct error *err);
void upstream_tls_free(void *ssl_ctx);
