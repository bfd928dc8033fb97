// SPDX-License-Identifier: BSD-3-Clause
// Lines of the log as entries of systemd's journal, with fields that `journalctl` selects by:
// MILLRACE_PART=drivers, MILLRACE_OBJECT=port wan. Any thread.
#pragma once

// Where stderr is the journal, lines go there by its own protocol from now on, and no longer to
// stderr. Otherwise nothing changes. Before there are other threads.
void log_journal_use(void);
