// SPDX-License-Identifier: BSD-3-Clause
// Whether two configs mean the same, field by field and without a word of the model: what walks the
// model is compared with it. Places, and which keys were said, may differ.
#pragma once

#include "cfg/config.h"

// NULL, or the part of the config that differs.
const char *config_differs(const struct config *a, const struct config *b);
