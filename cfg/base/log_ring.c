// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/base/log_ring.h"

#include <stdlib.h>
#include <string.h>

struct log_kept {
	struct log_line line; // its texts are in `bytes`
	char bytes[];
};

static struct log_kept *copy(const struct log_line *line)
{
	size_t object_bytes = strlen(line->object) + 1, text_bytes = strlen(line->text) + 1;
	struct log_kept *kept = malloc(sizeof(*kept) + object_bytes + text_bytes);

	if (kept == NULL)
		return NULL;
	kept->line = *line;
	kept->line.object = memcpy(kept->bytes, line->object, object_bytes);
	kept->line.text = memcpy(kept->bytes + object_bytes, line->text, text_bytes);
	return kept;
}

void log_ring_add(struct log_ring *ring, const struct log_line *line)
{
	struct log_ring_part *part = &ring->parts[line->part];
	struct log_kept *kept = copy(line), **slot = &part->lines[part->n % LOG_RING_LINES];

	if (kept == NULL)
		return;
	free(*slot);
	*slot = kept;
	part->n++;
}

static bool is_wanted(const struct log_query *query, const struct log_line *line)
{
	return line->level <= query->level && (!query->has_part || line->part == query->part);
}

// The newest line of `part` below `*end` that is wanted; moves `*end` to it.
static const struct log_line *newest(
	const struct log_ring_part *part, const struct log_query *query, uint64_t *end)
{
	while (*end > 0 && *end + LOG_RING_LINES > part->n) {
		const struct log_line *line = &part->lines[(*end - 1) % LOG_RING_LINES]->line;

		if (is_wanted(query, line))
			return line;
		(*end)--;
	}
	return NULL;
}

unsigned log_ring_walk(const struct log_ring *ring, const struct log_query *query, unsigned limit,
	log_line_fn fn, void *ctx)
{
	const struct log_line *found[LOG_PARTS * LOG_RING_LINES];
	uint64_t ends[LOG_PARTS];
	unsigned n = 0;

	for (unsigned i = 0; i < LOG_PARTS; i++)
		ends[i] = ring->parts[i].n;
	for (;;) {
		const struct log_line *latest = NULL;

		for (unsigned i = 0; i < LOG_PARTS; i++) {
			const struct log_line *line = newest(&ring->parts[i], query, &ends[i]);

			if (line != NULL && (latest == NULL || line->seq > latest->seq))
				latest = line;
		}
		if (latest == NULL)
			break;
		ends[latest->part]--;
		found[n++] = latest;
	}
	for (unsigned i = n < limit ? n : limit; i > 0; i--)
		fn(ctx, found[i - 1]);
	return n;
}
