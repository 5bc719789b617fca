/*
 * \brief  Running something on an entrypoint of one's own component
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _INCLUDE__THAW_IN_ENTRYPOINT_H_
#define _INCLUDE__THAW_IN_ENTRYPOINT_H_

#include <base/rpc_server.h>
#include <base/rpc_client.h>

namespace Thaw { class In_entrypoint; }


/*
 * Who makes and destroys its objects on one entrypoint needs no locks for them, and whoever else wants to see or make
 * them has to be there. The capability of this object never leaves its component.
 */
class Thaw::In_entrypoint
{
	private:

		struct Job : Genode::Interface { virtual void run() = 0; };

		struct Runner : Genode::Interface
		{
			GENODE_RPC(Rpc_run, void, run, Genode::addr_t);
			GENODE_RPC_INTERFACE(Rpc_run);
		};

		struct Runner_component : Genode::Rpc_object<Runner, Runner_component>
		{
			void run(Genode::addr_t job) { reinterpret_cast<Job *>(job)->run(); }
		};

		Genode::Rpc_entrypoint    &_ep;
		Runner_component           _runner { };
		Genode::Capability<Runner> _cap;

	public:

		In_entrypoint(Genode::Rpc_entrypoint &ep) : _ep(ep), _cap(ep.manage(&_runner)) { }

		template <typename FN>
		void operator () (FN const &fn)
		{
			struct Call : Job
			{
				FN const &fn;
				Call(FN const &fn) : fn(fn) { }
				void run() override { fn(); }
			} call { fn };

			if (_ep.is_myself()) {
				call.run();
				return;
			}
			Job &job = call;
			_cap.call<Runner::Rpc_run>(Genode::addr_t(&job));
		}
};

#endif /* _INCLUDE__THAW_IN_ENTRYPOINT_H_ */
