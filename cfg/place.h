// SPDX-License-Identifier: BSD-3-Clause
// Where in the file something was said, for messages that can only be made later.
#pragma once

struct cfg_place {
	int line;
	int column;
};
