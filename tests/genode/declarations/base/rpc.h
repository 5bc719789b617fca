/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_RPC_H
#define THAW_DECLARED_BASE_RPC_H

#include <base/stdint.h>
#include <util/interface.h>

/* an RPC function is its signature, and whether a server's method fits it */
#define GENODE_RPC(name, result, function, ...) \
	struct name { \
		using Ret_type  = result; \
		using Signature = result (__VA_ARGS__); \
		template <typename SERVER, typename... ARGS> \
		static result serve(SERVER &server, ARGS... args) { return server.function(static_cast<ARGS>(args)...); } \
	}

#define GENODE_RPC_INTERFACE(...) using Rpc_functions = ::Genode::Rpc_list<__VA_ARGS__>

namespace Genode {

	template <typename SIGNATURE, typename... ARGS>
	concept Rpc_takes = requires (SIGNATURE *function, ARGS &&... args) { function(static_cast<ARGS &&>(args)...); };

	template <typename SERVER, typename RPC, typename RESULT, typename... ARGS>
	void must_fit(RESULT (*)(ARGS...))
	{
		RESULT (*serve)(SERVER &, ARGS...) = &RPC::template serve<SERVER, ARGS...>;
		(void)serve;
	}

	template <typename... RPC>
	struct Rpc_list
	{
		template <typename SERVER> static void served_by()
		{
			(must_fit<SERVER, RPC>(static_cast<typename RPC::Signature *>(nullptr)), ...);
		}
	};

	template <size_t BYTES>
	struct Rpc_in_buffer
	{
		Rpc_in_buffer(char const *);
		char const *string() const;
	};
}

#endif
