// SPDX-License-Identifier: BSD-3-Clause
// What AF_XDP ports leave behind when they close, see af_xdp.c. Control thread.
#pragma once

// Frees the buffer pools of closed ports that nobody has a buffer of any more.
void af_xdp_reap_pools(void);
