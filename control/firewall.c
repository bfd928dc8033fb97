// SPDX-License-Identifier: BSD-3-Clause
#include "control/firewall.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/log.h"
#include "control/rule_counts.h"

// Hands it to the workers; `compiled` is what they made of it beforehand, or NULL. What they had
// before is the caller's; NULL with the reason: so is all that was passed in.
static struct compiled_policy *put_in_force(struct firewall *firewall, struct policy *policy,
	struct compiled_policy *compiled, int64_t now, struct error *err)
{
	struct compiled_policy *made = NULL, *before;
	struct error why = {0};

	if (rule_counts_go_on(firewall->policy, policy) != 0) {
		error_set(err, "no memory for the rules' counts");
		return NULL;
	}
	policy->dp.active_schedules =
		schedules_active(policy->schedules, policy->n_schedules, (time_t)now);
	if (compiled == NULL)
		compiled = made = dataplane_policy_compile(firewall->dp, &policy->dp, &why);
	before = compiled == NULL
			 ? NULL
			 : dataplane_policy_exchange(firewall->dp, compiled, &policy->dp, &why);
	if (before == NULL) {
		dataplane_policy_free(made);
		error_set(err, "the workers do not take the policy: %s", why.text);
		return NULL;
	}
	if (firewall->baselines != NULL)
		baselines_follow(firewall->baselines, policy);
	policy_drop_arrays(policy);
	policy->serial = dataplane_policy_serial(firewall->dp);
	firewall->policy = policy;
	firewall->active = policy->dp.active_schedules;
	return before;
}

static int update(struct firewall *firewall, int64_t now, struct error *err)
{
	struct policy *before = firewall->policy, *policy;
	struct compiled_policy *compiled = NULL;

	policy = policy_new(&firewall->input, err);
	if (policy != NULL)
		compiled = put_in_force(firewall, policy, NULL, now, err);
	if (compiled == NULL) {
		policy_free(policy);
		return -1;
	}
	dataplane_policy_free(compiled);
	policy_free(before);
	return 0;
}

int firewall_update(struct firewall *firewall, int64_t now, struct error *err)
{
	firewall->is_due = firewall->is_preparing;
	return firewall->is_due ? 0 : update(firewall, now, err);
}

int firewall_check(const struct config *config, struct error *err)
{
	static const struct interfaces no_interfaces;
	const struct set_files no_files = {0};
	const struct timed_sets no_timed = {0};
	struct policy *policy = policy_new(
		&(struct policy_input){
			.config = config,
			.interfaces = &no_interfaces,
			.files = &no_files,
			.timed = &no_timed,
		},
		err);
	int rc = policy != NULL ? 0 : -1;

	policy_free(policy);
	return rc;
}

int firewall_open(struct firewall *firewall, const struct config *config,
	const struct interfaces *interfaces, const struct timed_sets *timed, struct dataplane *dp,
	int64_t now, struct error *err)
{
	*firewall = (struct firewall){.dp = dp};
	firewall->input = (struct policy_input){
		.config = config,
		.interfaces = interfaces,
		.files = &firewall->files,
		.timed = timed,
	};
	if (set_files_open(&firewall->files, config) != 0)
		return error_set(err, "no memory for the files of sets");
	return firewall_update(firewall, now, err);
}

void firewall_close(struct firewall *firewall)
{
	policy_free(firewall->policy);
	set_files_close(&firewall->files);
	*firewall = (struct firewall){0};
}

int firewall_next_init(struct firewall *firewall, const struct config *config,
	struct firewall_next *next, struct error *err)
{
	*next = (struct firewall_next){.input = firewall->input};
	next->interfaces = malloc(sizeof(*next->interfaces));
	if (next->interfaces == NULL)
		return error_set(err, "no memory for the policy");
	*next->interfaces = *firewall->input.interfaces;
	next->input.config = config;
	next->input.interfaces = next->interfaces;
	next->input.files = &next->files;
	firewall->is_preparing = true;
	return 0;
}

int firewall_next_expect(struct firewall_next *next, struct error *err)
{
	next->between = malloc(sizeof(*next->between));
	if (next->between == NULL)
		return error_set(err, "no memory for the policy");
	*next->between = *next->interfaces;
	return 0;
}

// A third policy beside the one in force and the next: where the workers have no room for its
// rates, firewall_rebind makes it later.
static void prepare_bound(const struct firewall *firewall, struct firewall_next *next)
{
	struct policy_input input = firewall->input;
	struct error why = {0};

	input.interfaces = next->between;
	next->bound = policy_new(&input, &why);
	if (next->bound != NULL && rule_counts_prepare(next->bound) == 0)
		next->bound_compiled =
			dataplane_policy_compile(firewall->dp, &next->bound->dp, &why);
}

int firewall_prepare(const struct firewall *firewall, struct firewall_next *next, struct error *err)
{
	struct error why = {0};

	if (set_files_follow(
		    &next->files, next->input.config, &firewall->files, &next->wish, err) != 0)
		return -1;
	if (next->input.config == firewall->input.config && !set_files_are_new(&next->files))
		return 0;
	next->policy = policy_new(&next->input, err);
	if (next->policy == NULL)
		return -1;
	if (rule_counts_prepare(next->policy) != 0)
		return error_set(err, "no memory for the rules' counts");
	next->compiled = dataplane_policy_compile(firewall->dp, &next->policy->dp, &why);
	if (next->compiled == NULL)
		return error_set(err, "the workers do not take the policy: %s", why.text);
	if (next->between != NULL)
		prepare_bound(firewall, next);
	return 0;
}

void firewall_next_fini(struct firewall_next *next)
{
	dataplane_policy_free(next->compiled);
	policy_free(next->policy);
	dataplane_policy_free(next->bound_compiled);
	policy_free(next->bound);
	set_files_close(&next->files);
	free(next->interfaces);
	free(next->between);
	*next = (struct firewall_next){0};
}

void firewall_next_over(struct firewall *firewall, int64_t now)
{
	struct error err = {0};
	char text[1024];

	firewall->is_preparing = false;
	if (firewall->is_due && firewall_update(firewall, now, &err) != 0)
		log_error("firewall", "%s", error_str(&err, text, sizeof(text)));
}

// What was in force has no more than its names: it is made anew of the same.
static struct policy *made_anew(struct firewall_next *next, struct error *err)
{
	dataplane_policy_free(next->compiled); // two at a time hold rates
	next->compiled = NULL;
	return policy_new(&next->input, err);
}

int firewall_bind(struct firewall *firewall, struct firewall_next *next, int64_t now)
{
	struct policy *before = firewall->policy;
	struct compiled_policy *compiled;
	struct error why = {0};

	if (next->bound_compiled == NULL)
		return -1;
	compiled = put_in_force(firewall, next->bound, next->bound_compiled, now, &why);
	if (compiled == NULL)
		return -1;
	next->bound = before; // what was there goes with the rest
	next->bound_compiled = compiled;
	return 0;
}

int firewall_rebind(
	struct firewall *firewall, struct firewall_next *next, int64_t now, struct error *err)
{
	dataplane_policy_free(next->compiled); // two at a time hold rates
	next->compiled = NULL;
	policy_drop_arrays(next->policy);
	return update(firewall, now, err);
}

// What the files of sets held goes with it, and the other way round.
static void exchange_files(struct firewall *firewall, struct firewall_next *next)
{
	struct set_files files = next->files;

	next->files = firewall->files;
	firewall->files = files;
}

int firewall_exchange(
	struct firewall *firewall, struct firewall_next *next, int64_t now, struct error *err)
{
	struct policy *policy = next->policy, *before = firewall->policy;
	struct compiled_policy *compiled = NULL;

	if (policy == NULL) { // nothing new was read
		exchange_files(firewall, next);
		return 0;
	}
	next->input.interfaces = firewall->input.interfaces; // those of now, for the way back
	if (policy->arrays == NULL)
		policy = made_anew(next, err);
	if (policy != NULL)
		compiled = put_in_force(firewall, policy, next->compiled, now, err);
	if (compiled == NULL) {
		if (policy != next->policy)
			policy_free(policy);
		return -1;
	}
	if (policy != next->policy)
		policy_free(next->policy);
	next->policy = before;
	next->compiled = compiled;
	exchange_files(firewall, next);
	firewall->input.config = policy->config;
	next->input.config = before->config;
	return 0;
}

bool firewall_every_minute(struct firewall *firewall, int64_t now)
{
	uint64_t active = schedules_active(
		firewall->policy->schedules, firewall->policy->n_schedules, (time_t)now);

	if (active != firewall->active)
		dataplane_schedules_set(firewall->dp, active);
	firewall->active = active;
	return set_files_have_changed(&firewall->files, (time_t)now);
}

void firewall_log(struct firewall *firewall, const struct dp_event *event)
{
	packet_log_write(&firewall->log, firewall->policy, firewall->input.interfaces, event);
}
