// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/recorder.h"

#include <inttypes.h>

#include "control/cli/answer.h"
#include "control/cli/capture.h"

static void add_worker(struct table *table, const json_t *worker)
{
	uint64_t span_ms = answer_number(worker, "span_ms");

	table_add(table, "%" PRIu64, answer_number(worker, "worker"));
	answer_add_count(table, worker, "recorded");
	answer_add_count(table, worker, "held");
	answer_add_count(table, worker, "held_max");
	table_add(table, "%" PRIu64 ".%" PRIu64 " s", span_ms / 1000, span_ms % 1000 / 100);
}

static void add_file(struct table *table, const json_t *file)
{
	table_add(table, "%s", answer_text(file, "name"));
	answer_add_bytes(table, file, "bytes");
}

void print_recorder(const json_t *result, FILE *out)
{
	if (!answer_truth(result, "is_on")) {
		fputs("nothing is recorded: the config has no `recorder`\n", out);
		return;
	}
	answer_table(result, "workers", ">WORKER|>RECORDED|>HELD|>ROOM|>SPAN", add_worker, out);
	fprintf(out,
		"\n%" PRIu64 " files written for events%s%s, %" PRIu64 " events passed over%s\n",
		answer_number(result, "written"),
		answer_text(result, "last_event")[0] == '\0' ? "" : ", the last one: ",
		answer_text(result, "last_event"), answer_number(result, "passed_over"),
		answer_truth(result, "is_writing") ? ", one is being written" : "");
	if (json_array_size(json_object_get(result, "files")) == 0)
		return;
	fprintf(out, "\n%s:\n", answer_text(result, "directory"));
	answer_table(result, "files", "FILE|>SIZE", add_file, out);
}

int do_recorder(const struct cli *cli)
{
	return capture_fetch(cli, "recorder.write");
}
