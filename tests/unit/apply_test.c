// SPDX-License-Identifier: BSD-3-Clause
// A router takes another config whole or not at all, and goes back when nobody confirms it.
#include <unistd.h>

#include "control/apply/steps.h"
#include "tests/unit/apply_fixture.h"

// Something of everything. From it to the first config and back, each step has work to do.
static const struct parts rich = {
	.wan = ", 203.0.113.5/24, 2001:db8:0:9::9/64",
	.routes = "  - {to: 192.0.2.0/24, via: 203.0.113.9}\n"
		  "  - {to: 198.51.100.0/24, type: blackhole}\n"
		  "  - {to: '2001:db8:77::/48', via: ['2001:db8:0:1::7', '2001:db8:0:1::8']}\n",
	.nat = ", {source: 203.0.113.5, from: 198.18.0.7, interface: wan}",
	.sets = "  slow: {addresses: [], timeout: 1h}\n"
		"workers: {cores: 0}\n",
	.forward = ", {source: slow, action: drop}, {port: 25, protocol: tcp, action: reject}",
	.port = ", mtu: 1400",
	.ports = ", guest: {driver: 'null'}",
	.interfaces = "  guest: {port: guest, addresses: [198.19.0.1/24, 2001:db8:0:3::1/64]}\n"
		      "  things: {port: guest, vlan: 30, addresses: 198.19.30.1/24}\n",
};

// The same places, otherwise.
static const struct parts other = {
	.routes = "  - {to: 192.0.2.0/24, via: 203.0.113.8}\n"
		  "  - {to: '2001:db8:77::/48', via: '2001:db8:0:1::7'}\n",
	.forward = ", {port: 26, protocol: tcp, action: reject}",
	.port = ", mtu: 1500, queues: 1", // made anew
};

static void must_apply(struct parts parts)
{
	struct apply_outcome outcome = {0};

	write_config(parts);
	if (ask_apply(0, &outcome) != 0)
		fail_msg("%s", outcome.err.text);
	apply_outcome_fini(&outcome);
}

static unsigned n_revisions, n_good;

static void count_one(void *ctx, const struct revision *revision)
{
	n_revisions++;
	n_good += revision->state == REVISION_GOOD;
}

static void count_revisions(void)
{
	n_revisions = n_good = 0;
	history_each(history, 0, count_one, NULL);
}

// --- each step fails ---

static int refuse(void *ctx, struct error *err)
{
	return error_set(err, "on purpose");
}

static void fail_at(unsigned at, struct parts to)
{
	struct transaction_step broken[STEPS];
	struct cfg_errors errors = {0};
	struct error err = {0};
	const char *failed = NULL, *text = text_of(to);
	const struct config *config = kernel_router.config;
	char *before = snapshot(), *after;
	struct source source;
	struct steps_ctx ctx = {
		.router = &kernel_router, .before = kernel_router.config, .now = NOW};
	struct plan *plan;

	assert_int_equal(source_parse(&source, "next", text, strlen(text), &errors), 0);
	plan = plan_new(kernel_router.config, source.config);
	assert_non_null(plan);
	ctx.after = source.config;
	ctx.plan = plan;
	memcpy(broken, steps, sizeof(broken));
	broken[at].run = refuse;
	assert_int_equal(transaction_go_on(broken, 0, STEPS, &ctx, &failed, &err), -1);
	assert_string_equal(failed, steps[at].name);
	assert_string_equal(err.text, "on purpose");
	assert_ptr_equal(kernel_router.config, config);
	assert_ptr_equal(kernel_router.firewall.input.config, config);
	steps_fini(&ctx);
	steps_over(&ctx);
	plan_free(plan);
	source_fini(&source);
	cfg_errors_free(&errors);
	after = snapshot();
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static void whichever_step_fails_all_is_as_before(void **state)
{
	for (unsigned at = 0; at < STEPS; at++)
		fail_at(at, rich);
	must_apply(rich);
	for (unsigned at = 0; at < STEPS; at++)
		fail_at(at, (struct parts){0});
	for (unsigned at = 0; at < STEPS; at++)
		fail_at(at, other);
}

static void what_came_goes_without_a_trace(void **state)
{
	char *before = snapshot(), *after;

	must_apply(rich);
	after = snapshot();
	assert_string_not_equal(before, after);
	free(after);
	must_apply(other);
	must_apply((struct parts){0});
	after = snapshot();
	assert_string_equal(before, after);
	free(before);
	free(after);
}

// --- for reasons of their own ---

static void refused(struct parts parts, const char *step, const char *piece)
{
	struct apply_outcome outcome = {0};
	char *before = snapshot(), *after;
	unsigned n;

	count_revisions();
	n = n_revisions;
	write_config(parts);
	assert_int_equal(ask_apply(0, &outcome), -1);
	assert_non_null(outcome.failed_step);
	assert_string_equal(outcome.failed_step, step);
	if (strstr(outcome.err.text, piece) == NULL)
		fail_msg("%s, not %s", outcome.err.text, piece);
	apply_outcome_fini(&outcome);
	after = snapshot();
	assert_string_equal(before, after);
	count_revisions();
	assert_int_equal(n_revisions, n);
	free(before);
	free(after);
}

static void a_broken_file_of_a_set_is_refused(void **state)
{
	write_to(set_file, "192.0.2.1\nnobody\n");
	refused(rich, "policy", "listed:2");
}

static void a_file_of_a_set_that_is_gone_is_refused(void **state)
{
	assert_int_equal(unlink(set_file), 0);
	refused(other, "policy", "listed");
}

static void a_policy_that_the_workers_refuse_is_refused(void **state)
{
	recording.is_refusing_policies = true;
	refused(rich, "policy", "as you wish");
}

static void cores_that_the_workers_cannot_have_are_refused(void **state)
{
	struct apply_outcome outcome = {0};

	recording.is_refusing_cores = true;
	refused(rich, "workers", "no thread");
	write_config((struct parts){.sets = "workers: {cores: 1023}\n"});
	assert_int_equal(ask_apply(0, &outcome), -1);
	assert_null(outcome.failed_step);
	assert_non_null(strstr(outcome.err.text, "core 1023 is not in this machine"));
	apply_outcome_fini(&outcome);
}

static void the_workers_go_on_on_other_cores(void **state)
{
	must_apply((struct parts){.sets = "workers: {cores: 0, count: 1}\n"});
	assert_int_equal(recording.n_core_sets, 1);
	assert_int_equal(recording.n_cores, 1);
	assert_int_equal(recording.cores[0], 0);
	must_apply((struct parts){.sets = "workers: {cores: 0}\n"}); // the same core: nothing moves
	assert_int_equal(recording.n_core_sets, 1);
	must_apply((struct parts){0}); // its own choice: all but the first
	assert_int_equal(recording.n_core_sets, 2);
	assert_int_equal(recording.cores[0], 1);
	assert_int_equal(kernel_router.cores.workers[0], 1);
	assert_int_equal(kernel_router.cores.n_workers, 1);
}

static void an_mtu_that_the_port_refuses_is_refused(void **state)
{
	refused((struct parts){.port = ", mtu: 9000"}, "MTU", "9000");
}

static void a_vlan_that_the_card_refuses_is_refused(void **state)
{
	recording.vlan_refused = 30;
	refused(rich, "interfaces", "VLAN 30");
	recording.vlan_refused = 0;
	must_apply(rich);
	assert_int_equal(recording.n_port_vlans, 1);
}

static void an_address_that_the_kernel_refuses_is_refused(void **state)
{
	shell("echo 1 > /proc/sys/net/ipv6/conf/wan/disable_ipv6");
	refused(rich, "new addresses", "2001:db8:0:9::9");
}

static void a_route_that_the_kernel_refuses_is_refused(void **state)
{
	struct parts no_other_port = other;

	no_other_port.port = NULL;
	shell("ip link set wan down");
	refused(no_other_port, "new routes", "192.0.2.0/24");
}

static void another_capacity_of_a_set_that_was_made_is_refused(void **state)
{
	must_apply(rich);
	must_apply((struct parts){0});
	refused((struct parts){.sets = "  slow: {addresses: [], timeout: 1h, capacity: 9}\n"},
		"sets with a timeout", "slow");
}

static void the_disk_fills(void)
{
	struct error err = {0};

	assert_int_equal(state_db_run(state_db,
				 "CREATE TEMP TRIGGER full BEFORE UPDATE ON revisions BEGIN "
				 "SELECT RAISE(FAIL, 'the disk is full'); END",
				 &err),
		0);
}

// Noted, in force, and not found good at the next start: who gave it hears of that.
static void what_the_history_does_not_take_in_the_end_is_in_force_and_said(void **state)
{
	struct apply_outcome outcome = {0};
	unsigned n_rules = recording.policy.n_rules;

	the_disk_fills();
	write_config(rich);
	assert_int_equal(ask_apply(0, &outcome), 0);
	assert_int_not_equal(recording.policy.n_rules, n_rules);
	assert_int_equal(apply_present(apply), outcome.revision);
	assert_non_null(strstr(outcome.unkept.text, "the disk is full"));
	assert_int_equal(history_newest(history, REVISION_TRIAL), outcome.revision);
	apply_outcome_fini(&outcome);
}

static void without_a_history_it_works_and_says_so(void **state)
{
	struct apply_outcome outcome = {0};
	struct error err = {0};

	assert_int_equal(state_db_run(state_db, "PRAGMA query_only = 1", &err), 0);
	write_config(rich);
	assert_int_equal(ask_apply(60, &outcome), -1);
	assert_non_null(strstr(outcome.err.text, "not put on trial"));
	apply_outcome_fini(&outcome);
	assert_int_equal(ask_apply(0, &outcome), 0);
	assert_string_not_equal(outcome.unkept.text, "");
	assert_int_equal(outcome.revision, 0);
	apply_outcome_fini(&outcome);
}

// --- what is the same ---

static void what_the_router_has_already_is_no_revision(void **state)
{
	struct apply_outcome outcome = {0};
	char commented[4200];
	unsigned n;

	must_apply(rich);
	n = recording.n_policies;
	count_revisions();
	assert_int_equal(n_revisions, 2);
	snprintf(commented, sizeof(commented), "# said otherwise\n%s", text_of(rich));
	write_to(file, commented);
	assert_int_equal(ask_apply(60, &outcome), 0);
	assert_true(outcome.is_unchanged);
	apply_outcome_fini(&outcome);
	count_revisions();
	assert_int_equal(n_revisions, 2);
	assert_int_equal(recording.n_policies, n);
}

// --- on trial ---

static unsigned trial_sec(void)
{
	unsigned left;

	return apply_trial(apply, &left) == 0 ? 0 : left;
}

static bool is_trial_over(void)
{
	unsigned left;

	return apply_trial(apply, &left) == 0 && !apply_is_busy(apply);
}

static void put_on_trial(unsigned sec)
{
	struct apply_outcome outcome = {0};

	write_config(rich);
	if (ask_apply(sec, &outcome) != 0)
		fail_msg("%s", outcome.err.text);
	apply_outcome_fini(&outcome);
	assert_int_equal(trial_sec(), sec);
}

static void who_does_not_confirm_gets_the_old_one_back(void **state)
{
	unsigned n_rules = recording.policy.n_rules;

	put_on_trial(1);
	assert_int_not_equal(recording.policy.n_rules, n_rules);
	assert_true(kernel_fixture_wait(is_trial_over, 3000));
	assert_int_equal(recording.policy.n_rules, n_rules);
	count_revisions();
	assert_int_equal(n_revisions, 3);
	assert_int_equal(n_good, 2);
	assert_int_equal(history_newest(history, REVISION_TRIAL), 0);
	assert_int_equal(history_newest(history, REVISION_GOOD), apply_present(apply));
}

// What it held then is what the router goes back to.
static void a_file_of_a_set_that_broke_meanwhile_does_not_keep_it_from_coming_back(void **state)
{
	unsigned n_rules = recording.policy.n_rules;

	put_on_trial(1);
	write_to(set_file, "nobody\n");
	assert_true(kernel_fixture_wait(is_trial_over, 3000));
	assert_int_equal(recording.policy.n_rules, n_rules);
	assert_int_equal(recording.policy.sets[0].n_prefixes, 1);
}

static void who_confirms_keeps_it(void **state)
{
	struct apply_outcome outcome = {0};
	int64_t number;

	assert_int_equal(ask_confirm(&outcome), -1);
	assert_string_equal(outcome.err.text, "nothing is on trial");
	put_on_trial(1);
	number = apply_present(apply);
	assert_int_equal(ask_confirm(&outcome), 0);
	assert_int_equal(outcome.revision, number);
	kernel_fixture_run(1500);
	assert_int_equal(apply_present(apply), number);
	assert_int_equal(history_newest(history, REVISION_GOOD), number);
	assert_int_equal(ask_confirm(&outcome), -1);
}

static void what_the_history_does_not_take_is_not_confirmed(void **state)
{
	struct apply_outcome outcome = {0};

	put_on_trial(1);
	the_disk_fills();
	assert_int_equal(ask_confirm(&outcome), -1);
	assert_non_null(strstr(outcome.err.text, "the disk is full"));
	assert_false(is_trial_over());
	assert_true(kernel_fixture_wait(is_trial_over, 3000));
}

static void nothing_else_is_applied_meanwhile(void **state)
{
	struct apply_outcome outcome = {0};

	put_on_trial(60);
	write_config(other);
	assert_int_equal(ask_apply(0, &outcome), -1);
	assert_non_null(strstr(outcome.err.text, "on trial"));
	apply_outcome_fini(&outcome);
}

static void a_rollback_ends_the_trial(void **state)
{
	struct apply_outcome outcome = {0};
	unsigned n_rules = recording.policy.n_rules;

	put_on_trial(60);
	assert_int_equal(ask_rollback(0, &outcome), 0);
	apply_outcome_fini(&outcome);
	assert_int_equal(trial_sec(), 0);
	assert_int_equal(recording.policy.n_rules, n_rules);
	assert_int_equal(history_newest(history, REVISION_TRIAL), 0);
}

// --- back ---

static void a_rollback_goes_to_where_it_is_told(void **state)
{
	struct apply_outcome outcome = {0};
	int64_t first = apply_present(apply), second;
	unsigned n_rules;

	assert_int_equal(ask_rollback(0, &outcome), -1);
	assert_non_null(strstr(outcome.err.text, "no revision to go back to"));
	apply_outcome_fini(&outcome);
	must_apply(rich);
	second = apply_present(apply);
	n_rules = recording.policy.n_rules;
	must_apply(other);
	assert_int_equal(ask_rollback(0, &outcome), 0);
	apply_outcome_fini(&outcome);
	assert_int_equal(recording.policy.n_rules, n_rules);
	assert_int_equal(ask_rollback(first, &outcome), 0);
	apply_outcome_fini(&outcome);
	assert_int_not_equal(recording.policy.n_rules, n_rules);
	assert_int_equal(ask_rollback(second, &outcome), 0);
	apply_outcome_fini(&outcome);
	assert_int_equal(recording.policy.n_rules, n_rules);
	assert_int_equal(ask_rollback(999, &outcome), -1);
	assert_non_null(strstr(outcome.err.text, "999"));
	apply_outcome_fini(&outcome);
}

// --- what is told of it ---

static void a_plan_tells_and_changes_nothing(void **state)
{
	struct apply_outcome outcome = {0};
	char *before = snapshot(), *after;

	write_config(rich);
	assert_int_equal(ask_plan(&outcome), 0);
	assert_int_equal(outcome.plan->n_restarts, 0);
	assert_int_equal(outcome.plan->n_added, 5);
	assert_int_equal(outcome.plan->n_interfaces, 2);
	assert_int_equal(outcome.plan->n_routes, 3);
	assert_int_equal(outcome.plan->n_mtus, 1);
	assert_true(outcome.changes.n >= 6);
	apply_outcome_fini(&outcome);
	write_to(file, "ports: [\n");
	assert_int_equal(ask_plan(&outcome), -1);
	assert_true(outcome.errors.n > 0);
	apply_outcome_fini(&outcome);
	after = snapshot();
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static void what_needs_a_restart_is_named_and_not_begun(void **state)
{
	struct apply_outcome outcome = {0};
	char text[4200];

	snprintf(text, sizeof(text), "%sflows: {capacity: 4096}\nworkers: {idle: busy}\n",
		text_of(other));
	write_to(file, text);
	assert_int_equal(ask_apply(0, &outcome), -1);
	assert_null(outcome.failed_step);
	assert_non_null(strstr(outcome.err.text, "workers.idle, flows.capacity"));
	apply_outcome_fini(&outcome);
	count_revisions();
	assert_int_equal(n_revisions, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(whichever_step_fails_all_is_as_before),
		TEST(what_came_goes_without_a_trace),
		TEST(a_broken_file_of_a_set_is_refused),
		TEST(a_file_of_a_set_that_is_gone_is_refused),
		TEST(a_policy_that_the_workers_refuse_is_refused),
		TEST(cores_that_the_workers_cannot_have_are_refused),
		TEST(the_workers_go_on_on_other_cores),
		TEST(an_mtu_that_the_port_refuses_is_refused),
		TEST(a_vlan_that_the_card_refuses_is_refused),
		TEST(an_address_that_the_kernel_refuses_is_refused),
		TEST(a_route_that_the_kernel_refuses_is_refused),
		TEST(another_capacity_of_a_set_that_was_made_is_refused),
		TEST(what_the_history_does_not_take_in_the_end_is_in_force_and_said),
		TEST(without_a_history_it_works_and_says_so),
		TEST(what_the_router_has_already_is_no_revision),
		TEST(who_does_not_confirm_gets_the_old_one_back),
		TEST(a_file_of_a_set_that_broke_meanwhile_does_not_keep_it_from_coming_back),
		TEST(who_confirms_keeps_it),
		TEST(what_the_history_does_not_take_is_not_confirmed),
		TEST(nothing_else_is_applied_meanwhile),
		TEST(a_rollback_ends_the_trial),
		TEST(a_rollback_goes_to_where_it_is_told),
		TEST(a_plan_tells_and_changes_nothing),
		TEST(what_needs_a_restart_is_named_and_not_begun),
	};

	if (!kernel_fixture_enter_namespace())
		return SKIPPED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
