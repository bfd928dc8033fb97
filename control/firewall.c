// SPDX-License-Identifier: BSD-3-Clause
#include "control/firewall.h"

#include <errno.h>
#include <string.h>

#include "cfg/base/log.h"
#include "control/rule_counts.h"

int firewall_update(struct firewall *firewall, int64_t now, struct error *err)
{
	struct policy *policy = policy_new(&firewall->input, err);
	struct error why = {0};

	if (policy == NULL)
		goto fail;
	if (rule_counts_go_on(firewall->policy, policy) != 0) {
		error_set(err, "no memory for the rules' counts");
		goto fail;
	}
	policy->dp.active_schedules =
		schedules_active(policy->schedules, policy->n_schedules, (time_t)now);
	if (dataplane_policy_set(firewall->dp, &policy->dp, &why) != 0) {
		error_set(err, "the workers do not take the policy: %s", why.text);
		goto fail;
	}
	policy_free(firewall->policy);
	policy_drop_arrays(policy);
	firewall->policy = policy;
	firewall->active = policy->dp.active_schedules;
	set_files_keep(&firewall->files);
	return 0;
fail:
	policy_free(policy);
	set_files_revert(&firewall->files);
	return -1;
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
