/*
 * \brief  Session of a server outside, for the scenarios
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _THAW_TEST__TELLER_SESSION_H_
#define _THAW_TEST__TELLER_SESSION_H_

#include <base/signal.h>
#include <dataspace/capability.h>
#include <session/session.h>

namespace Thaw { struct Teller_session; }


struct Thaw::Teller_session : Genode::Session
{
	static const char *service_name() { return "Teller"; }

	static constexpr unsigned CAP_QUOTA = 4;

	/**
	 * Takes a while; result is how often it was called, in all sessions
	 */
	virtual unsigned next(unsigned seen) = 0;

	virtual Genode::Dataspace_capability shared() = 0;

	virtual void sigh(Genode::Signal_context_capability) = 0;

	GENODE_RPC(Rpc_next,   unsigned, next, unsigned);
	GENODE_RPC(Rpc_shared, Genode::Dataspace_capability, shared);
	GENODE_RPC(Rpc_sigh,   void, sigh, Genode::Signal_context_capability);

	GENODE_RPC_INTERFACE(Rpc_next, Rpc_shared, Rpc_sigh);
};

#endif /* _THAW_TEST__TELLER_SESSION_H_ */
