/*
 * \brief  Sessions whose clients have closed them, or are gone
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _CORE__THAW__ENDED_H_
#define _CORE__THAW__ENDED_H_

/* Genode includes */
#include <base/mutex.h>
#include <base/semaphore.h>
#include <base/thread.h>

#include <thaw_in_entrypoint.h>

namespace Thaw { template <typename> class Ended; }


/*
 * A session is closed on core's main entrypoint, which whoever serves the session, and the engine, may be waiting for
 * at that time. So it is only noted there, and a thread of its own sees to the rest.
 */
template <typename SESSION>
class Thaw::Ended : Genode::Thread
{
	private:

		Genode::Rpc_entrypoint &_ep;
		In_entrypoint           _in_ep { _ep };
		In_entrypoint          &_in_core_ep;
		Genode::Allocator      &_alloc;

		Genode::Mutex     _mutex { };
		Genode::Semaphore _count { };
		SESSION          *_first = nullptr;

		SESSION &_take()
		{
			_count.down();
			Genode::Mutex::Guard guard(_mutex);
			SESSION &session = *_first;
			_first = session.next_ended;
			return session;
		}

		void _end(SESSION &session)
		{
			/* who runs this serves no request of the session meanwhile */
			_in_ep([&] {
				session.done();
				_in_core_ep([&] {
					_ep.dissolve(&session);
					Genode::destroy(_alloc, &session); }); });
		}

		void entry() override { for (;;) _end(_take()); }

	public:

		Ended(Genode::Runtime &runtime, Genode::Rpc_entrypoint &ep, In_entrypoint &in_core_ep, Genode::Allocator &alloc)
		:
			Thread(runtime, "thaw_ended", Stack_size { 16*1024 }, { }), _ep(ep), _in_core_ep(in_core_ep), _alloc(alloc)
		{
			start();
		}

		void add(SESSION &session)
		{
			{
				Genode::Mutex::Guard guard(_mutex);
				session.next_ended = _first;
				_first = &session;
			}
			_count.up();
		}
};

#endif /* _CORE__THAW__ENDED_H_ */
