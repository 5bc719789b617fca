/*
 * \brief  What we have left
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _BUDGET_H_
#define _BUDGET_H_

#include <base/env.h>

namespace Thaw {

	/**
	 * Whether so much can be taken from our quota and something is left for bookkeeping
	 *
	 * A request for more than there is would wait until our own parent gives us more, maybe for ever.
	 */
	static inline bool affordable(Genode::Env &env, Genode::size_t ram, Genode::size_t caps)
	{
		enum { RAM_LEFT = 128*1024, CAPS_LEFT = 16 };

		return env.pd().avail_ram().value  >= ram  + RAM_LEFT
		    && env.pd().avail_caps().value >= caps + CAPS_LEFT;
	}

	/**
	 * Whether there is enough for one more session of a target, whatever the target donates to it
	 */
	static inline bool session_affordable(Genode::Env &env)
	{
		enum { RAM = 32*1024, CAPS = 12 };

		return env.pd().avail_ram().value >= RAM && env.pd().avail_caps().value >= CAPS;
	}
}

#endif /* _BUDGET_H_ */
