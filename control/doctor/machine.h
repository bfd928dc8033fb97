// SPDX-License-Identifier: BSD-3-Clause
// A machine as the doctor sees it, and the parts that it looks at. Each part adds what it finds;
// they are pure over the tree and what the running machine told. Control thread.
#pragma once

#include "control/doctor/cards.h"
#include "control/doctor/findings.h"
#include "control/doctor/live.h"
#include "control/doctor/tree.h"

struct machine {
	struct tree tree;
	struct live live;
	struct cards cards;
};

// The machine that this runs on. 0, or -1 with the reason.
int machine_look(struct machine *machine, struct error *err);
void machine_fini(struct machine *machine);

void look_at_cpu(const struct machine *machine, struct findings *out);
void look_at_memory(const struct machine *machine, struct findings *out);
void look_at_iommu(const struct machine *machine, struct findings *out);
void look_at_system(const struct machine *machine, struct findings *out); // rights, limits, clock
void look_at_cards(const struct machine *machine, struct findings *out);
void look_at_managers(const struct machine *machine, struct findings *out); // of addresses
void look_at_services(const struct machine *machine, struct findings *out);

// All of them, the worst first.
void machine_diagnose(const struct machine *machine, struct findings *out);
// What programs get.
json_t *machine_json(const struct machine *machine, const struct findings *findings);
