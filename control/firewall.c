// SPDX-License-Identifier: BSD-3-Clause
#include "control/firewall.h"

#include <errno.h>
#include <string.h>

#include "cfg/base/log.h"
#include "control/rule_counts.h"

// Hands it to the workers. 0, or -1 with the reason and the policy is still the caller's.
static int put_in_force(
	struct firewall *firewall, struct policy *policy, int64_t now, struct error *err)
{
	struct error why = {0};

	if (rule_counts_go_on(firewall->policy, policy) != 0)
		return error_set(err, "no memory for the rules' counts");
	policy->dp.active_schedules =
		schedules_active(policy->schedules, policy->n_schedules, (time_t)now);
	if (dataplane_policy_set(firewall->dp, &policy->dp, &why) != 0)
		return error_set(err, "the workers do not take the policy: %s", why.text);
	if (firewall->baselines != NULL)
		baselines_follow(firewall->baselines, policy);
	policy_drop_arrays(policy);
	firewall->policy = policy;
	firewall->active = policy->dp.active_schedules;
	return 0;
}

int firewall_update(struct firewall *firewall, int64_t now, struct error *err)
{
	struct policy *before = firewall->policy;
	struct policy *policy = policy_new(&firewall->input, err);

	if (policy == NULL || put_in_force(firewall, policy, now, err) != 0) {
		policy_free(policy);
		set_files_revert(&firewall->files);
		return -1;
	}
	policy_free(before);
	set_files_keep(&firewall->files);
	return 0;
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

int firewall_prepare(struct firewall *firewall, const struct config *config, bool is_lenient,
	struct firewall_next *next, struct error *err)
{
	*next = (struct firewall_next){.input = firewall->input};
	next->input.config = config;
	next->input.files = &next->files;
	if (set_files_follow(&next->files, config, &firewall->files, is_lenient, err) != 0)
		return -1;
	next->policy = policy_new(&next->input, err);
	return next->policy == NULL ? -1 : 0;
}

void firewall_next_fini(struct firewall_next *next)
{
	policy_free(next->policy);
	set_files_close(&next->files);
	*next = (struct firewall_next){0};
}

int firewall_exchange(
	struct firewall *firewall, struct firewall_next *next, int64_t now, struct error *err)
{
	struct policy *policy = next->policy, *before = firewall->policy;
	struct set_files files = next->files;

	// What was in force has no more than its names: it is made anew of the same.
	if (policy->arrays == NULL) {
		policy = policy_new(&next->input, err);
		if (policy == NULL)
			return -1;
	}
	if (put_in_force(firewall, policy, now, err) != 0) {
		if (policy != next->policy)
			policy_free(policy);
		return -1;
	}
	if (policy != next->policy)
		policy_free(next->policy);
	next->policy = before;
	next->files = firewall->files;
	firewall->files = files;
	firewall->input.config = policy->config;
	next->input.config = before->config;
	set_files_keep(&firewall->files);
	return 0;
}

int firewall_reload_set(struct firewall *firewall, const struct cfg_set *set, int64_t now,
	struct set_file_faults *faults, struct error *err)
{
	int rc = set_files_reload(&firewall->files, set, faults);

	if (rc == -ENOENT)
		return error_set(err, "the set %s has no file", set->name);
	if (rc != 0)
		return error_set(err, "the set %s keeps what it had", set->name);
	return firewall_update(firewall, now, err);
}

void firewall_every_minute(struct firewall *firewall, int64_t now)
{
	struct error err = {0};
	char text[1024];
	uint64_t active = schedules_active(
		firewall->policy->schedules, firewall->policy->n_schedules, (time_t)now);

	if (active != firewall->active)
		dataplane_schedules_set(firewall->dp, active);
	firewall->active = active;
	if (set_files_check(&firewall->files, (time_t)now) &&
		firewall_update(firewall, now, &err) != 0)
		log_error("firewall", "%s", error_str(&err, text, sizeof(text)));
}

void firewall_log(struct firewall *firewall, const struct dp_event *event)
{
	packet_log_write(&firewall->log, firewall->policy, firewall->input.interfaces, event);
}
