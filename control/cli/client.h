// SPDX-License-Identifier: BSD-3-Clause
// One question to the daemon and its answer, by JSON-RPC over its UNIX socket.
#pragma once

#include <jansson.h>

#include "cfg/base/error.h"

// The result (a new reference), or NULL with the reason, ready for a person. Takes `params`,
// which may be NULL.
json_t *client_call(const char *socket_path, const char *method, json_t *params, struct error *err);
