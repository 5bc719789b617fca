/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_ENTRYPOINT_H
#define THAW_DECLARED_BASE_ENTRYPOINT_H

#include <base/env.h>
#include <base/rpc_server.h>
#include <base/signal.h>

namespace Genode {

	struct Entrypoint : Noncopyable
	{
		Entrypoint(Env &, size_t stack, char const *name, Affinity::Location);
		Rpc_entrypoint &rpc_ep();

		template <typename INTERFACE, typename SERVER> Capability<INTERFACE> manage(Rpc_object<INTERFACE, SERVER> &);
	};
}

#endif
