// SPDX-License-Identifier: BSD-3-Clause
#include "control/apply/start.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cfg/base/log.h"
#include "control/config_file.h"
#include "control/state_db.h"
#include "control/wall_clock.h"

// A file that is gone is known by its folder. A path that leads nowhere is as it was given: reading
// it says why not.
static void find_origin(struct start *start, const char *path)
{
	char *real = realpath(path, NULL), *folder = NULL, *whole = NULL;
	char copy[PATH_MAX];
	const char *name = strrchr(path, '/');

	snprintf(copy, sizeof(copy), "%s", path);
	if (real == NULL)
		folder = realpath(dirname(copy), NULL);
	if (folder != NULL && asprintf(&whole, "%s/%s", folder, name == NULL ? path : name + 1) < 0)
		whole = NULL;
	snprintf(start->origin, sizeof(start->origin), "%s",
		real != NULL ? real : (whole != NULL ? whole : path));
	free(whole);
	free(folder);
	free(real);
}

static int read_file(struct start *start)
{
	struct cfg_errors errors = {0};
	struct error err = {0};
	char text[1024];
	int rc = source_read(&start->source, start->origin, &errors);

	start->file_hash = start->source.hash;
	config_file_say(start->origin, &errors);
	cfg_errors_free(&errors);
	if (rc == 0 && firewall_check(start->source.config, &err) != 0) {
		fprintf(stderr, "%s\n", error_str(&err, text, sizeof(text)));
		rc = -1;
	}
	return rc;
}

// One that is not there yet is not made for a file that cannot be taken.
static void open_history(struct start *start, bool is_good, const char *otherwise)
{
	const char *path = is_good ? start->source.config->state_file : otherwise;
	struct error err = {0};

	if (!is_good && access(path, F_OK) != 0)
		return;
	start->state = state_db_open(path, &err);
	if (start->state != NULL)
		start->history = history_open(start->state, start->origin, &err);
	if (start->history == NULL)
		log_warning("config", "%s; what the router is given is not kept", err.text);
}

// --- what it is rather than the file ---

struct known {
	int64_t trial, good; // 0: none
	uint64_t trial_hash, good_hash;
};

static void note_hash(void *ctx, const struct revision *revision)
{
	uint64_t *hash = ctx;

	*hash = revision->file_hash;
}

static void end_trial(struct start *start, int64_t trial)
{
	struct error err = {0};

	if (history_settle(start->history, trial, REVISION_UNDONE, &err) != 0)
		log_error("config", "%s", err.text);
}

static struct known look(struct start *start)
{
	struct known known = {
		.trial = history_newest(start->history, REVISION_TRIAL),
		.good = history_newest(start->history, REVISION_GOOD),
	};

	// One that the router had gone back from: only the note of that is missing.
	if (known.trial != 0 && known.trial < known.good) {
		end_trial(start, known.trial);
		known.trial = 0;
	}
	if (known.trial != 0)
		history_each(start->history, known.trial, note_hash, &known.trial_hash);
	if (known.good != 0)
		history_each(start->history, known.good, note_hash, &known.good_hash);
	return known;
}

// False: it is no longer what this release takes, and that was said.
static bool take_good(struct start *start, int64_t good)
{
	struct cfg_errors errors = {0};
	struct source source = {0};
	struct error err = {0};
	char name[64], *text;
	size_t bytes;
	int rc = -1;

	text = history_text(start->history, good, &bytes, &err);
	if (text == NULL) {
		log_error("config", "%s", err.text);
		return false;
	}
	if (start->source.text != NULL && bytes == start->source.bytes &&
		memcmp(text, start->source.text, bytes) == 0) {
		free(text);
		return true;
	}
	snprintf(name, sizeof(name), "revision %lld", (long long)good);
	rc = source_parse(&source, name, text, bytes, &errors);
	free(text);
	if (rc != 0)
		config_file_say(name, &errors);
	cfg_errors_free(&errors);
	if (rc != 0) {
		source_fini(&source);
		return false;
	}
	source_fini(&start->source);
	start->source = source;
	return true;
}

// From now on the file as it is counts as looked at: only who changes it again means it.
static void note_return(struct start *start)
{
	struct revision revision = {
		.at = wall_clock_now(),
		.state = REVISION_GOOD,
		.uid = -1,
		.who = "millraced",
		.why = start->note.text,
		.file = start->source.config->file,
		.file_hash = start->file_hash,
	};
	struct error err = {0};

	if (history_add(start->history, &revision, start->source.text, start->source.bytes,
		    &start->present, &err) != 0)
		log_error("config", "%s", err.text);
}

static int choose(struct start *start, bool is_good)
{
	struct known known = look(start);
	uint64_t hash = start->file_hash;
	bool is_new = is_good && hash != known.good_hash &&
		      (known.trial == 0 || hash != known.trial_hash);

	if (known.good == 0 || is_new)
		goto file;
	if (known.trial != 0)
		error_set(&start->note,
			"revision %lld was not confirmed before millraced ended: revision %lld "
			"is in force, not %s",
			(long long)known.trial, (long long)known.good, start->origin);
	else if (!is_good)
		error_set(&start->note,
			"%s cannot be taken: revision %lld, the last good one, is in force",
			start->origin, (long long)known.good);
	if (!take_good(start, known.good)) {
		start->note.text[0] = '\0';
		goto file;
	}
	start->present = known.good;
	if (start->note.text[0] == '\0' && start->source.hash != hash)
		error_set(&start->note,
			"revision %lld is in force as before, not %s, which nobody has changed "
			"since",
			(long long)known.good, start->origin);
	if (known.trial != 0 || (!is_good && hash != known.good_hash))
		note_return(start);
	if (known.trial != 0)
		end_trial(start, known.trial);
	return 0;
file:
	if (known.trial != 0)
		end_trial(start, known.trial);
	return is_good ? 0 : -1;
}

int start_choose(struct start *start, const char *path, const char *otherwise)
{
	bool is_good;
	int rc;

	*start = (struct start){0};
	find_origin(start, path);
	is_good = read_file(start) == 0;
	open_history(start, is_good, otherwise);
	if (start->history == NULL)
		return is_good ? 0 : -1;
	rc = choose(start, is_good);
	if (start->note.text[0] != '\0')
		log_warning("config", "%s", start->note.text);
	return rc;
}

// --- once it runs ---

struct apply *start_apply(struct start *start, struct router *router)
{
	struct revision revision = {
		.at = wall_clock_now(),
		.state = REVISION_GOOD,
		.uid = -1,
		.who = "millraced",
		.why = "started with it",
		.file = start->origin,
		.file_hash = start->file_hash,
	};
	struct error err = {0};

	if (start->history != NULL && start->present == 0 &&
		history_add(start->history, &revision, start->source.text, start->source.bytes,
			&start->present, &err) != 0)
		log_error("config", "%s", err.text);
	return apply_new(router, start->history, start->origin, start->present, start->source.hash);
}

void start_fini(struct start *start)
{
	source_fini(&start->source);
	history_close(start->history);
	state_db_close(start->state);
	*start = (struct start){0};
}
