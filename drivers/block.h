// SPDX-License-Identifier: BSD-3-Clause
// Keeps the kernel's stack away from what a netdev receives: a BPF program of two instructions at
// its tc ingress drops every frame. Packet sockets are served before tc ingress, XDP before both,
// so our ports still see all. Control thread.
#pragma once

#include <stdbool.h>

#include "cfg/base/error.h"

// `*made_clsact` tells whether the hook was ours to remove. Replaces a program that a process of
// ours left behind when it was killed.
int block_attach(const char *netdev, int ifindex, bool *made_clsact, struct error *err);
void block_detach(int ifindex, bool made_clsact);
bool block_is_attached(int ifindex);
