// SPDX-License-Identifier: BSD-3-Clause
// The socket as a file: taken so that of two daemons one notices, a stale one replaced, and open to
// those only who may say something. Control thread.
#pragma once

#include "cfg/base/error.h"
#include "control/api/peer.h"

// The listening descriptor, with room for `backlog` callers, or -1 with the reason. The folder is
// made when it is missing. The kernel lets root, the daemon's own user and `groups` connect.
int socket_file_take(
	const char *path, int backlog, const struct peer_groups *groups, struct error *err);
