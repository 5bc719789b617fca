/*
 * \brief  Priorities of the kernel
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _CORE__THAW__PRIORITIES_H_
#define _CORE__THAW__PRIORITIES_H_

/* base-foc includes */
#include <foc/syscall.h>

#include <helper_thread.h>
#include <private_members.h>

namespace Thaw {

	/*
	 * Genode's own end at 128: a target is lifted above everything that is not part of the stop, and core and the
	 * checkpointer stand above it, so that what it asks them for is answered before the barrier passes.
	 */
	enum { PRIO_CORE = 252, PRIO_CALLER = 248, PRIO_LIFT = 110, PRIO_BARRIER = 129, PRIO_GENODE = 128,
	       PRIO_TARGET_MIN = PRIO_BARRIER + 1 - PRIO_LIFT };

	inline void set_priority(Foc::l4_cap_idx_t thread, unsigned prio)
	{
		using namespace Foc;
		l4_sched_param_t params = l4_sched_param(prio);
		params.affinity = l4_sched_cpu_set(0, 0, 1);
		if (l4_error(l4_scheduler_run_thread(L4_BASE_SCHEDULER_CAP, thread, &params)))
			Genode::error("thaw: priority of a thread could not be set");
	}

	inline Foc::l4_cap_idx_t cap_of(thaw_word slot) { return Foc::l4_cap_idx_t(slot) << Foc::L4_CAP_SHIFT; }

	/**
	 * Give core's threads, without those of the service, a priority above whoever is stopped, or Genode's own
	 *
	 * All of them have one priority, as Genode's spin locks want it: who finds one taken lets only its equals run. Core
	 * makes one more thread with the first IRQ session, which gets Genode's own priority. So the others have that, too,
	 * as long as no session works, and each time that one begins all are raised.
	 */
	template <unsigned COUNT>
	inline void raise_core(bool raise, Foc::l4_cap_idx_t const (&service)[COUNT])
	{
		Foc::l4_cap_idx_t const myself = Helper_thread::cap_of(*Genode::Thread::myself());
		unsigned          const prio   = raise ? PRIO_CORE : PRIO_GENODE;

		/* whoever does this must not stand below the others */
		if (raise)
			set_priority(myself, prio);
		for (Core::Platform_thread *t : private_of<Pd_threads>(Core::platform_specific().core_pd())) {
			Foc::l4_cap_idx_t const cap = t ? t->thread().local.data()->kcap() : myself;
			bool skipped = cap == myself;
			for (Foc::l4_cap_idx_t s : service) skipped |= cap == s;
			if (!skipped)
				set_priority(cap, prio);
		}
		if (!raise)
			set_priority(myself, prio);
	}
}

#endif /* _CORE__THAW__PRIORITIES_H_ */
