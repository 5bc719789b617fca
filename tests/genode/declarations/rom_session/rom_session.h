/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_ROM_SESSION_ROM_SESSION_H
#define THAW_DECLARED_ROM_SESSION_ROM_SESSION_H

#include <base/signal.h>
#include <dataspace/capability.h>
#include <session/session.h>

namespace Genode {

	struct Rom_dataspace : Dataspace { };

	using Rom_dataspace_capability = Capability<Rom_dataspace>;

	struct Rom_session : Session
	{
		virtual Rom_dataspace_capability dataspace() = 0;
		virtual bool update() = 0;
		virtual void sigh(Signal_context_capability) = 0;

		GENODE_RPC(Rpc_dataspace, Rom_dataspace_capability, dataspace);
		GENODE_RPC(Rpc_update,    bool,                     update);
		GENODE_RPC(Rpc_sigh,      void,                     sigh, Signal_context_capability);
		GENODE_RPC_INTERFACE(Rpc_dataspace, Rpc_update, Rpc_sigh);
	};
}

#endif
