// SPDX-License-Identifier: BSD-3-Clause
// How the router would open a card, and why not otherwise: the rules of the drivers, asked about
// what files tell. Control thread.
#pragma once

#include "control/doctor/cards.h"

// Fills the last part of `card`; the rest of it is there.
void card_openings_look(struct card *card, const struct tree *tree, const struct live *live);
