// SPDX-License-Identifier: BSD-3-Clause
// A router in a network namespace, with recording workers and a state file, that can be given other
// configs. Include it in one file of a test.
#pragma once

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/apply/apply.h"
#include "control/apply/job.h"
#include "control/dns/names.h"
#include "control/dns/set_feed.h"
#include "control/state_db.h"
#include "control/state_writer.h"
#include "tests/unit/kernel_fixture.h"
#include "tests/unit/recording_dataplane.h"

#define FOLDER "/var/tmp/apply_test.XXXXXX"

enum { NOW = 1700000000, SKIPPED = 77 };

// The parts of it that the tests change.
struct parts {
	const char *wan, *routes, *nat, *sets, *forward, *port, *ports, *interfaces;
};

static char folder[] = FOLDER, file[64], set_file[64], state_file[64];
static sqlite3 *state_db;
static struct history *history;
static struct apply *apply;
static const struct apply_who who = {1000, "test[1]", "as a test"};

static inline const char *text_of(struct parts parts)
{
	static char text[4096];

	snprintf(text, sizeof(text),
		"ports: {lan: {driver: 'null'}, wan: {driver: 'null'%s}%s}\n"
		"interfaces:\n"
		"  lan: {port: lan, addresses: [198.18.0.1/24, 2001:db8:0:2::1/64]}\n"
		"  wan: {port: wan, addresses: [203.0.113.2/24, 2001:db8:0:1::2/64%s]}\n"
		"%s"
		"routes:\n"
		"  - {to: 0.0.0.0/0, via: 203.0.113.1}\n"
		"  - {to: '::/0', via: '2001:db8:0:1::1'}\n"
		"%s"
		"nat: [{masquerade: wan}%s]\n"
		"sets:\n"
		"  listed: {addresses: [], file: %s}\n"
		"%s"
		"firewall: {forward: [{destination: listed, action: drop}%s]}\n"
		"state: {file: %s}\n",
		parts.port == NULL ? ", mtu: 1500" : parts.port,
		parts.ports == NULL ? "" : parts.ports, parts.wan == NULL ? "" : parts.wan,
		parts.interfaces == NULL ? "" : parts.interfaces,
		parts.routes == NULL ? "" : parts.routes, parts.nat == NULL ? "" : parts.nat,
		set_file, parts.sets == NULL ? "" : parts.sets,
		parts.forward == NULL ? "" : parts.forward, state_file);
	return text;
}

static inline void write_to(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	if (out == NULL || fputs(text, out) < 0 || fclose(out) != 0)
		fail_msg("cannot write %s", path);
}

static inline void write_config(struct parts parts)
{
	write_to(file, text_of(parts));
}

static inline int setup(void **state)
{
	struct router *router = &kernel_router;
	struct cfg_errors errors = {0};
	struct source source = {0};
	struct revision revision = {.uid = -1, .who = "test", .why = "began with it"};
	struct error err = {0};
	int64_t number = 0;

	memcpy(folder, FOLDER, sizeof(folder));
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/router.yaml", folder);
	snprintf(set_file, sizeof(set_file), "%s/listed", folder);
	snprintf(state_file, sizeof(state_file), "%s/state.db", folder);
	write_to(set_file, "192.0.2.1\n");
	write_config((struct parts){0});
	if (source_read(&source, file, &errors) != 0)
		fail_msg("%s", errors.list[0].text);
	cfg_errors_free(&errors);
	state_db = state_db_open(state_file, &err);
	history = state_db == NULL ? NULL : history_open(state_db, file, &err);
	revision.file = file;
	revision.file_hash = source.hash;
	if (history == NULL ||
		history_add(history, &revision, source.text, source.bytes, &number, &err) != 0)
		fail_msg("%s", err.text);
	if (kernel_fixture_start(source.text, &err) != 0)
		fail_msg("%s", err.text);
	router->state_writer = state_writer_new(router->base);
	assert_non_null(router->state_writer);
	if (bans_open(&router->bans, router->config, state_db, router->state_writer, router->dp,
		    NOW, &err) != 0 ||
		firewall_open(&router->firewall, router->config, &router->interfaces,
			&router->bans.sets, router->dp, NOW, &err) != 0)
		fail_msg("%s", err.text);
	CPU_ZERO(&router->allowed);
	CPU_SET(0, &router->allowed);
	CPU_SET(1, &router->allowed);
	if (cores_choose(&router->cores, router->config, &router->allowed, &err) != 0)
		fail_msg("%s", err.text);
	router->dns_names = dns_names_new();
	router->set_feed = set_feed_new(router->base, &router->bans);
	assert_non_null(router->dns_names);
	assert_non_null(router->set_feed);
	apply = apply_new(router, history, file, number, source.hash);
	source_fini(&source);
	return apply == NULL ? -1 : 0;
}

static bool is_answered;

static inline void on_answer(void *ctx, const struct apply_outcome *outcome, int rc)
{
	is_answered = true;
}

static inline bool has_answer(void)
{
	return is_answered;
}

// Asks, and waits for what becomes of it: apply_outcome_fini after.
static inline int ask(struct apply_request request, struct apply_outcome *outcome)
{
	struct apply_job *job;
	int rc = -1;

	is_answered = false;
	request.done = on_answer;
	job = apply_begin(apply, &request);
	assert_non_null(job);
	assert_true(kernel_fixture_wait(has_answer, 5000));
	assert_non_null(apply_job_outcome(job, &rc));
	*outcome = job->outcome;
	job->outcome = (struct apply_outcome){0};
	apply_job_leave(job);
	return rc;
}

static inline int ask_plan(struct apply_outcome *outcome)
{
	return ask(
		(struct apply_request){.what = APPLY_ASKS_PLAN, .file = file, .who = who}, outcome);
}

static inline int ask_apply(unsigned confirm_sec, struct apply_outcome *outcome)
{
	return ask((struct apply_request){.what = APPLY_ASKS_FILE,
			   .file = file,
			   .confirm_sec = confirm_sec,
			   .who = who},
		outcome);
}

static inline int ask_rollback(int64_t revision, struct apply_outcome *outcome)
{
	return ask(
		(struct apply_request){.what = APPLY_ASKS_BACK, .revision = revision, .who = who},
		outcome);
}

static inline int ask_confirm(struct apply_outcome *outcome)
{
	return ask((struct apply_request){.what = APPLY_ASKS_CONFIRM, .who = who}, outcome);
}

static inline int teardown(void **state)
{
	char command[96];

	apply_free(apply);
	set_feed_free(kernel_router.set_feed);
	dns_names_free(kernel_router.dns_names);
	firewall_close(&kernel_router.firewall);
	bans_close(&kernel_router.bans, NOW);
	state_writer_free(kernel_router.state_writer);
	kernel_fixture_stop();
	history_close(history);
	state_db_close(state_db);
	recording_reset();
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

// All that the kernel, the workers and the sets have of the config.
static inline char *snapshot(void)
{
	const struct dp_policy *policy = &recording.policy;
	const struct timed_sets *timed = &kernel_router.bans.sets;
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	kernel_fixture_run(20);
	fputs(shell("ip -o addr show scope global | sed 's/^[0-9]*: //; s/valid_lft.*//' | "
		    "sed 's/ tentative//; s/ dadfailed//' | sort;"
		    "ip -4 route; ip -6 route | grep -v fe80; "
		    "ip -o link | sed 's/^[0-9]*: //' | grep -o '^.*mtu [0-9]*' | sed 's/<.*>//' | "
		    "sort"),
		out);
	for (unsigned i = 0; i < kernel_router.config->n_interfaces; i++)
		fprintf(out, "%s %d, ", kernel_router.config->interfaces[i].port,
			ports_find(&kernel_router.ports,
				kernel_router.config->interfaces[i].port) != NULL);
	fprintf(out, "%u interfaces, %u ports, %u VLANs, workers on %d\n",
		kernel_router.interfaces.n, kernel_router.ports.n, recording.n_port_vlans,
		kernel_router.cores.workers[0]);
	if (recording.n_core_sets > 0) // the workers were told
		assert_int_equal(recording.cores[0], kernel_router.cores.workers[0]);
	fprintf(out, "rules %u nats %u sets %u\n", policy->n_rules, policy->n_nats, policy->n_sets);
	for (unsigned i = 0; i < policy->n_sets; i++)
		fprintf(out, "%u,", policy->sets[i].n_prefixes);
	for (unsigned i = 0; i < timed->n; i++)
		if (timed->list[i].is_there)
			fprintf(out, " %s %u", timed->list[i].name, timed->list[i].timeout_sec);
	fclose(out);
	return text;
}
