// SPDX-License-Identifier: BSD-3-Clause
// On its core control goes first: a link's event, a lease or a command waits neither for questions
// for names nor for what else the machine does there. Real time (sched(7)), in which its loop is
// for microseconds at a time; a turn that lasts too long is as any other thread's from then on, so
// that it holds up nobody. Without the right to it (CAP_SYS_NICE) all stays as it is. Control
// thread.
#pragma once

#include <stdbool.h>

#include "control/cores.h"

enum { PRECEDENCE_TURN_MS = 50 }; // longer than that, and it is given up

// Where packets have that core too, they go first, and nothing is done. Threads and programs that
// are begun later do not have it. True: it is in effect.
bool precedence_take(const struct cores *cores);
// A turn is over: what was given up is taken again.
void precedence_keep(void);
bool precedence_is_given_up(void);
// While workers move to other cores, one of which may be control's: nothing is in effect between
// the two, and what was taken before is taken again where it can be.
void precedence_pause(void);
void precedence_follow(const struct cores *cores);
void precedence_end(void);
