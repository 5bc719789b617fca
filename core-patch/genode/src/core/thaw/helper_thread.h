/*
 * \brief  Thread of core that runs Rust code
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _CORE__THAW__HELPER_THREAD_H_
#define _CORE__THAW__HELPER_THREAD_H_

/* Genode includes */
#include <base/blockade.h>
#include <base/thread.h>

#include <thaw_core_abi.h>

namespace Thaw { struct Helper_thread; }


struct Thaw::Helper_thread : Genode::Thread
{
	using Entry = void (*)(thaw_wiring const *);

	Entry       const  _entry;
	thaw_wiring const &_wiring;
	Genode::Blockade   _wired { };

	Helper_thread(Genode::Runtime &runtime, char const *name, Genode::size_t stack, Entry entry, thaw_wiring const &wiring)
	: Thread(runtime, name, Stack_size { stack }, { }), _entry(entry), _wiring(wiring) { }

	void entry() override { _wired.block(); _entry(&_wiring); }

	/* the wiring is complete */
	void go() { _wired.wakeup(); }

	Foc::l4_cap_idx_t kcap() const { return cap_of(*this); }

	static Foc::l4_cap_idx_t cap_of(Thread const &thread)
	{
		return thread.cap().data()->kcap();
	}
};

#endif /* _CORE__THAW__HELPER_THREAD_H_ */
