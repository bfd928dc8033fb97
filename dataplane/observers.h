// SPDX-License-Identifier: BSD-3-Clause
// Who looks at packets as they pass: captures, and the recorder. The workers are given all of them
// as one pointer, so that nobody's looking costs one branch however many could look. Control
// thread.
#pragma once

#include "dataplane/dataplane.h"

struct capture;
struct recorder;

// Does not change once the workers have it.
struct observers {
	struct recorder *recorder; // NULL: none
	struct capture *captures[DP_CAPTURES_MAX];
	unsigned n_captures;
};

// 0 or -errno: the recorder, where the options have one.
int observers_init(struct dataplane *dp);
// With all captures; safe on half a dataplane.
void observers_free(struct dataplane *dp);
// The captures that run, and the recorder, from now on: returns when every worker has passed by.
void observers_publish(struct dataplane *dp);
