// SPDX-License-Identifier: BSD-3-Clause
// Where something was said, for messages that can only be made later. A config may be made of
// several files: they count from 0, the one that includes the others, in the order they are read.
#pragma once

struct cfg_place {
	int line;
	int column;
	unsigned file;
};

// Less than, equal to or more than 0, as `a` is before, at or after `b`.
static inline int cfg_place_order(struct cfg_place a, struct cfg_place b)
{
	if (a.file != b.file)
		return a.file < b.file ? -1 : 1;
	if (a.line != b.line)
		return a.line < b.line ? -1 : 1;
	return (a.column > b.column) - (a.column < b.column);
}
