/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_RPC_CLIENT_H
#define THAW_DECLARED_BASE_RPC_CLIENT_H

#include <base/capability.h>

namespace Genode {

	template <typename INTERFACE>
	struct Rpc_client : INTERFACE
	{
		Rpc_client(Capability<INTERFACE> const &);

		template <typename RPC, typename... ARGS>
		typename RPC::Ret_type call(ARGS &&...) requires Rpc_takes<typename RPC::Signature, ARGS...>;
		template <typename RPC, typename... ARGS>
		typename RPC::Ret_type call(ARGS &&...) const requires Rpc_takes<typename RPC::Signature, ARGS...>;
	};
}

#endif
