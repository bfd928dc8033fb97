// SPDX-License-Identifier: BSD-3-Clause
// A config that is taken while the loop goes on.
#include <stdatomic.h>
#include <unistd.h>

#include "tests/unit/apply_fixture.h"

#include "control/apply/foresight.h"
#include "control/apply/probation.h"
#include "control/apply/reading.h"

static const struct parts rich = {
	.routes = "  - {to: 192.0.2.0/24, via: 203.0.113.9}\n",
	.sets = "  slow: {addresses: [], timeout: 1h}\n",
	.forward = ", {source: slow, action: drop}",
};

static const struct parts with_guest = {
	.ports = ", guest: {driver: 'null'}",
	.interfaces = "  guest: {port: guest, addresses: [198.19.0.1/24]}\n",
};

static struct apply_job *job;
static unsigned n_done;
static int done_rc;

static void on_done(void *ctx, const struct apply_outcome *outcome, int rc)
{
	n_done++;
	done_rc = rc;
}

// Of the file as it is.
static struct apply_job *begin_file(enum apply_asks what)
{
	n_done = 0;
	return apply_begin(apply,
		&(struct apply_request){.what = what, .file = file, .who = who, .done = on_done});
}

static struct apply_job *begin(struct parts parts, enum apply_asks what)
{
	write_config(parts);
	return begin_file(what);
}

static bool is_done(void)
{
	return n_done > 0;
}

static void the_loop_goes_on_until_it_is_in_force(void **state)
{
	struct apply_outcome other = {0};
	const struct apply_outcome *outcome;
	unsigned n_rules = recording.policy.n_rules;
	int rc;

	job = begin(rich, APPLY_ASKS_FILE);
	assert_non_null(job);
	assert_null(apply_job_outcome(job, &rc));
	assert_string_equal(apply_job_doing(job), "reading");
	assert_int_equal(recording.policy.n_rules, n_rules);
	assert_int_equal(ask_apply(0, &other), -1);
	assert_non_null(strstr(other.err.text, "another config is under way: reading"));
	apply_outcome_fini(&other);
	assert_true(kernel_fixture_wait(is_done, 5000));
	outcome = apply_job_outcome(job, &rc);
	assert_non_null(outcome);
	assert_int_equal(rc, 0);
	assert_int_equal(outcome->revision, apply_present(apply));
	assert_int_equal(recording.policy.n_rules, n_rules + 1);
	assert_int_equal(n_done, 1);
	apply_job_leave(job);
	assert_int_equal(history_newest(history, REVISION_GOOD), apply_present(apply));
}

static void who_asked_may_go(void **state)
{
	unsigned n_rules = recording.policy.n_rules;

	apply_job_leave(begin(rich, APPLY_ASKS_FILE));
	assert_true(kernel_fixture_wait(is_done, 5000));
	assert_int_equal(done_rc, 0);
	assert_int_equal(recording.policy.n_rules, n_rules + 1);
	job = begin((struct parts){0}, APPLY_ASKS_BACK);
	assert_true(kernel_fixture_wait(is_done, 5000));
	assert_int_equal(recording.policy.n_rules, n_rules);
	apply_job_leave(job);
}

static void what_fails_on_the_way_leaves_all_as_it_was(void **state)
{
	char *before = snapshot(), *after;
	const struct apply_outcome *outcome;
	int rc;

	write_to(set_file, "nobody\n");
	job = begin(rich, APPLY_ASKS_FILE);
	assert_true(kernel_fixture_wait(is_done, 5000));
	outcome = apply_job_outcome(job, &rc);
	assert_int_equal(rc, -1);
	assert_string_equal(outcome->failed_step, "policy");
	assert_int_equal(outcome->revision, 0);
	apply_job_leave(job);
	after = snapshot();
	assert_string_equal(before, after);
	free(before);
	free(after);
	assert_int_equal(history_newest(history, REVISION_TRIAL), 0);
}

static void a_plan_is_no_change(void **state)
{
	const struct apply_outcome *outcome;
	char *before = snapshot(), *after;
	int rc;

	job = begin(rich, APPLY_ASKS_PLAN);
	assert_true(kernel_fixture_wait(is_done, 5000));
	outcome = apply_job_outcome(job, &rc);
	assert_int_equal(rc, 0);
	assert_int_equal(outcome->changes.n, 3);
	apply_job_leave(job);
	after = snapshot();
	assert_string_equal(before, after);
	free(before);
	free(after);
}

// The loop asks nothing of the disk meanwhile: the test has it.
static void who_comes_while_the_one_before_is_tidied_up_waits(void **state)
{
	sqlite3_mutex *disk = sqlite3_db_mutex(state_db);
	const struct apply_outcome *outcome;
	int64_t present = apply_present(apply);
	struct apply_job *first;
	int rc;

	first = begin(rich, APPLY_ASKS_FILE);
	while (strcmp(apply_job_doing(first), "reading") == 0)
		kernel_fixture_run(1);
	sqlite3_mutex_enter(disk);
	while (apply_present(apply) == present)
		kernel_fixture_run(1);
	kernel_fixture_run(20);
	assert_null(apply_job_outcome(first, &rc));
	assert_string_equal(apply_job_doing(first), "tidying up");
	assert_int_equal(history_newest(history, REVISION_TRIAL), apply_present(apply));
	job = begin((struct parts){0}, APPLY_ASKS_FILE);
	assert_null(apply_job_outcome(job, &rc));
	sqlite3_mutex_leave(disk);
	while (apply_is_busy(apply))
		kernel_fixture_run(1);
	outcome = apply_job_outcome(first, &rc);
	assert_int_equal(rc, 0);
	assert_int_equal(outcome->revision, present + 1);
	outcome = apply_job_outcome(job, &rc);
	assert_int_equal(rc, 0);
	assert_int_equal(outcome->revision, present + 2);
	assert_int_equal(history_newest(history, REVISION_GOOD), present + 2);
	apply_job_leave(first);
	apply_job_leave(job);
}

// --- what it ends ---

enum { LIVING = 100000 };

static void foresee(unsigned rule, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		recording.foreseen[recording.n_foreseen++] =
			(struct dp_foreseen){.what = DP_FORESEEN_REFUSED,
				.is_by_firewall = true,
				.reason = "drop_rule",
				.hook = DP_HOOK_FORWARD,
				.rule = (int64_t)rule,
				.flow = {.place = i}};
}

static void a_plan_tells_what_ends_and_by_what(void **state)
{
	const struct apply_outcome *outcome;
	const struct foresight *seen;
	int rc;

	recording.n_living = LIVING;
	foresee(0, 2);
	foresee(1, 5);
	recording.foreseen[recording.n_foreseen++] = (struct dp_foreseen){.what = DP_FORESEEN_ANEW};
	job = begin(rich, APPLY_ASKS_PLAN);
	assert_true(kernel_fixture_wait(is_done, 5000));
	outcome = apply_job_outcome(job, &rc);
	assert_int_equal(rc, 0);
	seen = outcome->foresight;
	assert_non_null(seen);
	assert_int_equal(seen->judged, LIVING);
	assert_int_equal(seen->ends, 8);
	assert_true(seen->is_all);
	assert_int_equal(seen->n_causes, 3);
	assert_int_equal(seen->causes[0].flows, 5);
	assert_ptr_equal(seen->causes[0].rule, &outcome->config->firewall.hooks[1].rules[1]);
	assert_string_equal(seen->causes[0].list, "forward");
	assert_ptr_equal(seen->causes[1].rule, &outcome->config->firewall.hooks[1].rules[0]);
	assert_int_equal(seen->causes[2].what, DP_FORESEEN_ANEW);
	assert_int_equal(seen->n_shown, 8);
	assert_int_equal(seen->shown_cause[0], 1);
	assert_int_equal(seen->shown_cause[2], 0);
	assert_int_equal(seen->shown_cause[7], 2);
	assert_false(kernel_router.firewall.is_preparing);
	apply_job_leave(job);
}

static void a_plan_judges_no_more_flows_than_it_is_asked_to(void **state)
{
	const struct apply_request request = {.what = APPLY_ASKS_PLAN,
		.file = file,
		.flows_max = 1000,
		.who = who,
		.done = on_done};
	const struct apply_outcome *outcome;
	int rc;

	recording.n_living = LIVING;
	foresee(0, 3);
	write_config(rich);
	n_done = 0;
	job = apply_begin(apply, &request);
	assert_true(kernel_fixture_wait(is_done, 5000));
	outcome = apply_job_outcome(job, &rc);
	assert_in_range(outcome->foresight->judged, 1000, 1000 + DP_FORECAST_LOOKS);
	assert_false(outcome->foresight->is_all);
	assert_int_equal(outcome->foresight->ends, 0);
	apply_job_leave(job);
}

static void a_plan_that_asks_for_a_restart_or_nothing_new_judges_nothing(void **state)
{
	char text[4200];

	recording.n_living = LIVING;
	apply_job_leave(begin((struct parts){0}, APPLY_ASKS_PLAN));
	assert_true(kernel_fixture_wait(is_done, 5000));
	snprintf(text, sizeof(text), "%sflows: {capacity: 4096}\n", text_of((struct parts){0}));
	write_to(file, text);
	apply_job_leave(begin_file(APPLY_ASKS_PLAN));
	assert_true(kernel_fixture_wait(is_done, 5000));
	assert_int_equal(recording.n_forecasts, 0);
}

static void an_end_on_the_way_gives_all_back(void **state)
{
	job = begin(rich, APPLY_ASKS_PLAN);
	recording.n_living = UINT32_MAX;
	while (recording.n_forecast_parts == 0)
		kernel_fixture_run(1);
	apply_free(apply); // the sanitizers see what is left
	apply = NULL;
	apply_job_leave(job);
}

// An interface that comes while a policy is compiled is in the next one.
static void an_update_waits_for_the_end(void **state)
{
	struct firewall *firewall = &kernel_router.firewall;
	struct error err = {0};
	unsigned n;

	apply_job_leave(begin(rich, APPLY_ASKS_FILE));
	while (!firewall->is_preparing && n_done == 0)
		kernel_fixture_run(1);
	assert_true(firewall->is_preparing);
	n = recording.n_policies;
	assert_int_equal(firewall_update(firewall, NOW, &err), 0);
	assert_int_equal(recording.n_policies, n);
	assert_true(kernel_fixture_wait(is_done, 5000));
	assert_int_equal(recording.n_policies, n + 2);
	assert_false(firewall->is_due || firewall->is_preparing);
}

// What is in force is bound to those that there are at each moment, and another update still waits.
static void interfaces_come_and_go(void **state)
{
	struct router *router = &kernel_router;
	char *before = snapshot(), *after;

	apply_job_leave(begin(with_guest, APPLY_ASKS_FILE));
	assert_int_equal(router->interfaces.n, 2);
	assert_true(kernel_fixture_wait(is_done, 5000));
	assert_int_equal(done_rc, 0);
	assert_int_equal(router->interfaces.n, 3);
	assert_non_null(interfaces_by_name(&router->interfaces, "guest"));
	apply_job_leave(begin((struct parts){0}, APPLY_ASKS_FILE));
	assert_int_equal(router->interfaces.n, 3);
	assert_true(kernel_fixture_wait(is_done, 5000));
	assert_int_equal(done_rc, 0);
	assert_false(router->firewall.is_due || router->firewall.is_preparing);
	after = snapshot();
	assert_string_equal(before, after);
	free(before);
	free(after);
}

// --- files of sets, while the config stays ---

static struct apply_job *begin_files(const char *set)
{
	n_done = 0;
	return apply_begin(apply, &(struct apply_request){.what = APPLY_ASKS_FILES,
					  .set = set,
					  .who = {1000, "test[1]", ""},
					  .done = on_done});
}

static void a_file_of_a_set_is_read_while_the_loop_goes_on(void **state)
{
	int64_t present = apply_present(apply);
	unsigned n = recording.n_policies;

	write_to(set_file, "192.0.2.1\n192.0.2.7\n");
	apply_job_leave(begin_files("listed"));
	assert_int_equal(recording.n_policies, n);
	assert_true(kernel_fixture_wait(is_done, 5000));
	assert_int_equal(done_rc, 0);
	assert_int_equal(recording.n_policies, n + 1);
	assert_int_equal(recording.policy.sets[0].n_prefixes, 2);
	assert_int_equal(apply_present(apply), present);
	assert_false(kernel_router.firewall.is_preparing);
	apply_job_leave(begin_files(NULL)); // nobody has changed it since
	assert_true(kernel_fixture_wait(is_done, 5000));
	assert_int_equal(recording.n_policies, n + 1);
}

static void a_bad_file_of_a_set_says_why_and_changes_nothing(void **state)
{
	unsigned n = recording.n_policies;
	const struct apply_outcome *outcome;
	int rc;

	write_to(set_file, "192.0.2.1\nnobody\n");
	job = begin_files("listed");
	assert_true(kernel_fixture_wait(is_done, 5000));
	outcome = apply_job_outcome(job, &rc);
	assert_int_equal(rc, -1);
	assert_non_null(strstr(outcome->err.text, "the set listed keeps what it had: "));
	assert_non_null(strstr(outcome->err.text, "listed:2:1: expected an address"));
	assert_int_equal(recording.n_policies, n);
	apply_job_leave(job);
}

// Nobody asked for the file to be read: who gives a config need not ask again. Nor does the file
// have to wait for a place of its own.
static void a_config_waits_for_files_of_sets_and_not_the_other_way_round(void **state)
{
	unsigned n_rules = recording.policy.n_rules;
	const struct apply_outcome *outcome;
	struct apply_job *files, *refused;
	int rc;

	write_to(set_file, "192.0.2.1\n192.0.2.7\n");
	files = begin_files("listed");
	job = begin(rich, APPLY_ASKS_FILE);
	assert_null(apply_job_outcome(job, &rc));
	refused = begin_file(APPLY_ASKS_PLAN);
	outcome = apply_job_outcome(refused, &rc);
	assert_int_equal(rc, -1);
	assert_non_null(strstr(outcome->err.text, "another config is under way"));
	apply_job_leave(refused);
	refused = begin_files("listed");
	outcome = apply_job_outcome(refused, &rc);
	assert_int_equal(rc, -1);
	assert_non_null(strstr(outcome->err.text, "ask again in a moment"));
	apply_job_leave(refused);
	while (apply_is_busy(apply))
		kernel_fixture_run(1);
	assert_non_null(apply_job_outcome(files, &rc));
	assert_int_equal(rc, 0);
	assert_non_null(apply_job_outcome(job, &rc));
	assert_int_equal(rc, 0);
	assert_int_equal(recording.policy.n_rules, n_rules + 1);
	assert_int_equal(recording.policy.sets[0].n_prefixes, 2);
	apply_job_leave(files);
	apply_job_leave(job);
}

static void the_end_of_the_router_forgets_what_waits(void **state)
{
	apply_job_leave(begin_files("listed"));
	apply_job_leave(begin(rich, APPLY_ASKS_FILE));
	apply_free(apply); // the sanitizers see what is left
	apply = NULL;
}

// --- what is only looked at ---

struct look {
	struct reading reading; // first
	unsigned n_interfaces;
	bool waits;
};

static unsigned n_looks, n_looks_freed;
static atomic_bool may_look;

static bool begin_look(struct reading *reading)
{
	return true;
}

static void run_look(struct reading *reading, const struct config *present)
{
	struct look *look = (struct look *)reading;

	while (look->waits && !atomic_load(&may_look))
		usleep(100);
	look->n_interfaces = present->n_interfaces; // the sanitizers see whether it is there
	n_looks++;
}

static void free_look(struct reading *reading)
{
	free(reading);
	n_looks_freed++;
}

static const struct reading_kind look_kind = {begin_look, run_look, free_look};

static struct look *begin_to_look(bool waits)
{
	struct look *look = calloc(1, sizeof(*look));

	look->waits = waits;
	reading_begin(apply_readings(apply), &look_kind, &look->reading);
	return look;
}

static void a_config_that_is_looked_at_stays_until_it_is_not(void **state)
{
	struct look *first, *second;

	n_looks = n_looks_freed = 0;
	atomic_store(&may_look, false);
	first = begin_to_look(true);
	second = begin_to_look(false);
	apply_job_leave(begin(with_guest, APPLY_ASKS_FILE));
	assert_true(kernel_fixture_wait(is_done, 5000));
	assert_int_equal(done_rc, 0);
	assert_false(reading_is_done(&first->reading) || reading_is_done(&second->reading));
	atomic_store(&may_look, true);
	while (!reading_is_done(&second->reading))
		kernel_fixture_run(1);
	assert_int_equal(first->n_interfaces, 2);
	assert_int_equal(second->n_interfaces, 3);
	reading_leave(&first->reading);
	reading_leave(&second->reading);
	assert_int_equal(n_looks_freed, 2);
}

static void who_looks_may_go_at_any_time(void **state)
{
	struct look *running, *waiting;

	n_looks = n_looks_freed = 0;
	atomic_store(&may_look, false);
	running = begin_to_look(true);
	waiting = begin_to_look(false);
	reading_leave(&waiting->reading);
	assert_int_equal(n_looks_freed, 1);
	reading_leave(&running->reading);
	assert_int_equal(n_looks_freed, 1); // its thread has it
	atomic_store(&may_look, true);
	while (n_looks_freed < 2)
		kernel_fixture_run(1);
	assert_int_equal(n_looks, 1);
}

static void answers_that_nobody_takes_hold_up_who_comes_later(void **state)
{
	struct look *looks[READINGS_HELD_MAX + 2];
	unsigned n = sizeof(looks) / sizeof(looks[0]);

	n_looks = n_looks_freed = 0;
	for (unsigned i = 0; i < n; i++)
		looks[i] = begin_to_look(false);
	while (!reading_is_done(&looks[READINGS_HELD_MAX - 1]->reading))
		kernel_fixture_run(1);
	kernel_fixture_run(20);
	assert_int_equal(n_looks, READINGS_HELD_MAX);
	reading_leave(&looks[0]->reading);
	while (!reading_is_done(&looks[READINGS_HELD_MAX]->reading))
		kernel_fixture_run(1);
	assert_int_equal(n_looks, READINGS_HELD_MAX + 1);
	apply_free(apply); // with all of them
	apply = NULL;
	for (unsigned i = 1; i < n; i++)
		reading_leave(&looks[i]->reading);
	assert_int_equal(n_looks_freed, n);
}

// --- on trial ---

static char last_why[HISTORY_WHY_MAX + 1];

static bool is_trial_over(void)
{
	unsigned left_sec;

	return apply_trial(apply, &left_sec) == 0;
}

static void note_why(void *ctx, const struct revision *revision)
{
	if (revision->number == apply_present(apply))
		snprintf(last_why, sizeof(last_why), "%s", revision->why);
}

static void who_fails_a_probe_goes_when_the_time_is_over(void **state)
{
	const struct apply_request request = {.what = APPLY_ASKS_FILE,
		.file = file,
		.confirm_sec = 2,
		.probes = 1u << PROBE_UPLINK | 1u << PROBE_MANAGEMENT,
		.who = who,
		.done = on_done};
	unsigned n_rules = recording.policy.n_rules;

	n_done = 0;
	write_config(rich);
	apply_job_leave(apply_begin(apply, &request));
	assert_true(is_trial_over()); // it is read first
	assert_true(kernel_fixture_wait(is_done, 5000));
	assert_false(is_trial_over());
	assert_int_equal(recording.policy.n_rules, n_rules + 1);
	assert_true(kernel_fixture_wait(is_trial_over, 5000));
	assert_int_equal(recording.policy.n_rules, n_rules);
	history_each(history, 0, note_why, NULL);
	assert_non_null(strstr(last_why, "probes failed"));
	assert_non_null(strstr(last_why, "uplink: "));
	assert_non_null(strstr(last_why, "management: nobody who may change things has come"));
}

static void the_end_of_the_router_does_not_wait_for_who_asked(void **state)
{
	int rc;

	job = begin(rich, APPLY_ASKS_FILE);
	apply_free(apply);
	assert_int_equal(history_newest(history, REVISION_TRIAL), 0); // nobody tried it
	assert_null(apply_job_outcome(job, &rc));
	apply_job_leave(job);
	apply = NULL; // the teardown's
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_loop_goes_on_until_it_is_in_force),
		TEST(who_asked_may_go),
		TEST(what_fails_on_the_way_leaves_all_as_it_was),
		TEST(a_plan_is_no_change),
		TEST(who_comes_while_the_one_before_is_tidied_up_waits),
		TEST(a_plan_tells_what_ends_and_by_what),
		TEST(a_plan_judges_no_more_flows_than_it_is_asked_to),
		TEST(a_plan_that_asks_for_a_restart_or_nothing_new_judges_nothing),
		TEST(an_end_on_the_way_gives_all_back),
		TEST(an_update_waits_for_the_end),
		TEST(interfaces_come_and_go),
		TEST(a_file_of_a_set_is_read_while_the_loop_goes_on),
		TEST(a_bad_file_of_a_set_says_why_and_changes_nothing),
		TEST(a_config_waits_for_files_of_sets_and_not_the_other_way_round),
		TEST(the_end_of_the_router_forgets_what_waits),
		TEST(a_config_that_is_looked_at_stays_until_it_is_not),
		TEST(who_looks_may_go_at_any_time),
		TEST(answers_that_nobody_takes_hold_up_who_comes_later),
		TEST(who_fails_a_probe_goes_when_the_time_is_over),
		TEST(the_end_of_the_router_does_not_wait_for_who_asked),
	};

	if (!kernel_fixture_enter_namespace())
		return SKIPPED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
