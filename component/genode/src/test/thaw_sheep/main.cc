/*
 * \brief  Counts and sleeps, and knows nothing of checkpoints
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * This file is distributed under the terms of the GNU Affero General Public License version 3, as it
 * is linked with Genode's libraries.
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
