/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_CAPABILITY_H
#define THAW_DECLARED_BASE_CAPABILITY_H

#include <base/rpc.h>
#include <util/string.h>

namespace Genode {

	struct Native_capability
	{
		class Data;

		Native_capability();
		Native_capability(Data *);
		Native_capability(Native_capability const &);
		Native_capability &operator = (Native_capability const &);

		Data const *data() const;
		long        local_name() const;
		bool        valid() const;
		void        print(Output &) const;
	};

	using Untyped_capability = Native_capability;

	template <typename INTERFACE>
	struct Capability : Untyped_capability
	{
		Capability();
		template <typename OTHER> Capability(Capability<OTHER> const &)
			requires requires (OTHER *other, void (*to)(INTERFACE *)) { to(other); };

		template <typename RPC, typename... ARGS>
		typename RPC::Ret_type call(ARGS &&...) const requires Rpc_takes<typename RPC::Signature, ARGS...>;
	};

	template <typename TO> Capability<TO> reinterpret_cap_cast(Untyped_capability const &);
}

#endif
