/*
 * \brief  Waiting for the moment in which no server has a request of a target
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _QUIET_H_
#define _QUIET_H_

#include <base/blockade.h>
#include <timer_session/connection.h>

namespace Thaw { class Quiet; }


/*
 * Who waits is above all targets, like who forwards. When a forwarder has answered and waits for the next request, the
 * one who waits runs before the target sees the answer.
 */
class Thaw::Quiet : Genode::Noncopyable
{
	private:

		Genode::Blockade _blockade { };

		bool volatile _waiting = false;
		bool volatile _over    = false;

		void _handle_timeout(Genode::Duration)
		{
			_over = true;
			changed();
		}

	public:

		/**
		 * A request was answered
		 */
		void changed()
		{
			if (_waiting)
				_blockade.wakeup();
		}

		/**
		 * Wait until the condition holds, or for so long
		 */
		void wait(Timer::Connection &timer, unsigned limit_ms, auto const &condition)
		{
			_over    = false;
			_waiting = true;

			/* its handler is called by the entrypoint, which is not the one who waits */
			Timer::One_shot_timeout<Quiet> timeout(timer, *this, &Quiet::_handle_timeout);
			timeout.schedule(Genode::Microseconds { 1000ull * limit_ms });

			while (!_over && !condition())
				_blockade.block();
			_waiting = false;
		}
};

#endif /* _QUIET_H_ */
