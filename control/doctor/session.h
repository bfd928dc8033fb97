// SPDX-License-Identifier: BSD-3-Clause
// The SSH session that this process was started from. sudo and su take it out of the environment,
// so those of its ancestors are asked too, by /proc. Control thread.
#pragma once

#include <stdbool.h>

#include "cfg/base/addr.h"
#include "control/doctor/tree.h"

struct session {
	struct ip_addr peer, own; // both ends; family IP_NONE: there is no session
};

void session_look(const struct tree *tree, struct session *session);

// As sshd writes it: "198.18.0.7 50022 198.18.0.1 22". 0 or -EINVAL.
int session_parse(const char *text, struct session *session);
