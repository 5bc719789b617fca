/*
 * \brief  Gates to the thread that takes exceptions which a failed stop has left behind
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _CORE__THAW__LATE_GATES_H_
#define _CORE__THAW__LATE_GATES_H_

#include <foc/capability_space.h>

#include <books.h>

namespace Thaw { class Late_gates; }


/*
 * One gate for each place of a thread in a PD. It is made anew when another thread, or one of another PD, has the place;
 * a thread that had it before and still has a trigger pending then finds no handler, so a gate is replaced only when
 * its thread is gone or has come out, which the next stop of its PD sees to.
 */
class Thaw::Late_gates : Genode::Noncopyable
{
	private:

		enum { AREA_SLOT = 4 };

		struct Gate { Foc::l4_cap_idx_t cap; Books::Word label; };

		Gate _gates[Books::THREADS] { };

	public:

		/**
		 * Slot in which the gate for the thread at 'index' is, 0 if the kernel made none
		 */
		Books::Word slot(Books::Pd &pd, Foc::l4_cap_idx_t mender, Books::Word index)
		{
			using namespace Foc;
			if (index >= Books::THREADS)
				return 0;
			Books::Word result = 0;
			Books::for_each_thread(pd, [&] (Books::Word at, Core::Cpu_thread_component &t) {
				if (at != index)
					return;
				Gate &gate = _gates[index];
				Books::Word const thread = Books::Word(t.platform_thread().thread().local.data()->kcap() >> L4_CAP_SHIFT);
				Books::Word const label  = thaw_late_label(thread, index);
				if (!gate.cap)
					gate.cap = Genode::Capability_space::alloc_kcap();
				if (gate.label != label) {
					if (gate.label)
						l4_task_unmap(L4_BASE_TASK_CAP, l4_obj_fpage(gate.cap, 0, L4_FPAGE_RWX), L4_FP_ALL_SPACES);
					gate.label = 0;
					if (l4_error(l4_factory_create_gate(L4_BASE_FACTORY_CAP, gate.cap, mender, label)))
						return;
					gate.label = label;
				}
				Books::Word const slot = Books::AREA_BASE + index*Books::AREA_SLOTS + AREA_SLOT;
				l4_cap_idx_t const task = Books::task(pd);
				if (!l4_error(l4_task_map(task, L4_BASE_TASK_CAP, l4_obj_fpage(gate.cap, 0, L4_FPAGE_RWX),
				                          (l4_cap_idx_t(slot) << L4_CAP_SHIFT) | L4_ITEM_MAP)))
					result = slot;
			});
			return result;
		}
};

#endif /* _CORE__THAW__LATE_GATES_H_ */
