/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_FOC_SYSCALL_H
#define THAW_DECLARED_FOC_SYSCALL_H

#include <foc/l4_types.h>

namespace Foc {

	enum { L4_CAP_SHIFT = 12 };

	enum : l4_umword_t {
		L4_BASE_TASK_CAP      = 1ul << L4_CAP_SHIFT,
		L4_BASE_FACTORY_CAP   = 2ul << L4_CAP_SHIFT,
		L4_BASE_SCHEDULER_CAP = 6ul << L4_CAP_SHIFT,
	};

	enum : l4_umword_t { L4_ITEM_MAP = 8, L4_FP_ALL_SPACES = 1ul << 31 };
	enum { L4_FPAGE_RWX = 7 };

	struct l4_fpage_t         { l4_umword_t raw; };
	struct l4_utcb_t;
	struct l4_timeout_t       { l4_umword_t raw; };
	struct l4_thread_regs_t   { l4_umword_t user[3]; };
	struct l4_sched_cpu_set_t { l4_umword_t map; };
	struct l4_sched_param_t   { l4_sched_cpu_set_t affinity; };

	extern l4_timeout_t const L4_IPC_NEVER;

	long l4_error(l4_msgtag_t);
	long l4_msgtag_label(l4_msgtag_t);

	l4_fpage_t  l4_obj_fpage(l4_cap_idx_t, unsigned order, unsigned char rights);
	l4_msgtag_t l4_task_map(l4_cap_idx_t to, l4_cap_idx_t from, l4_fpage_t, l4_umword_t base);
	l4_msgtag_t l4_task_unmap(l4_cap_idx_t, l4_fpage_t, l4_umword_t mask);
	l4_msgtag_t l4_task_cap_valid(l4_cap_idx_t task, l4_cap_idx_t);

	unsigned long l4_debugger_global_id(l4_cap_idx_t);

	l4_msgtag_t l4_factory_create_gate(l4_cap_idx_t factory, l4_cap_idx_t to, l4_cap_idx_t thread, l4_umword_t label);
	l4_msgtag_t l4_factory_create_irq(l4_cap_idx_t factory, l4_cap_idx_t to);
	l4_msgtag_t l4_irq_trigger(l4_cap_idx_t);
	l4_msgtag_t l4_ipc_sleep(l4_timeout_t);

	l4_thread_regs_t *l4_utcb_tcr();

	l4_sched_param_t   l4_sched_param(unsigned prio, unsigned long long quantum = 0);
	l4_sched_cpu_set_t l4_sched_cpu_set(l4_umword_t offset, unsigned char granularity, l4_umword_t map = 1);
	l4_msgtag_t        l4_scheduler_run_thread(l4_cap_idx_t, l4_cap_idx_t thread, l4_sched_param_t const *);

	void        l4_thread_control_start();
	void        l4_thread_control_pager(l4_cap_idx_t);
	void        l4_thread_control_exc_handler(l4_cap_idx_t);
	void        l4_thread_control_bind(l4_utcb_t *, l4_cap_idx_t task);
	l4_msgtag_t l4_thread_control_commit(l4_cap_idx_t);
}

#endif
