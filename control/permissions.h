// SPDX-License-Identifier: BSD-3-Clause
// Whether the process may do what a router has to do, asked before anything is touched.
#pragma once

#include "cfg/base/error.h"

// 0, or -1 with what is missing.
int permissions_check(struct error *err);
