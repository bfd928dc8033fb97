// SPDX-License-Identifier: BSD-3-Clause
// Tells the hosts on a link which MAC our addresses have now (RFC 5227 2.3, RFC 4861 7.2.6), so
// that those who remember another one, of the card that was there before, do not go on sending
// to it. Control thread.
#pragma once

#include "control/interfaces.h"

// From now on announces the interface's addresses, twice. For links that come up and addresses
// that come new.
void announce(struct interface *interface);

// Sends what is due. Every 100 ms.
void announce_run(struct interfaces *interfaces, uint64_t now_ms);
