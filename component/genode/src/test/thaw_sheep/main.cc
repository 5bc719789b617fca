/*
 * \brief  Counts and sleeps, and knows nothing of checkpoints
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#include <base/component.h>
#include <base/log.h>
#include <timer_session/connection.h>

using namespace Genode;


void Component::construct(Env &env)
{
	log("Creating Timer session.");
	static Timer::Connection timer(env);

	for (unsigned n = 1; ; n++) {
		log(n, n == 1 ? " sheep." : " sheeps.");
		timer.msleep(1000);
	}
}
