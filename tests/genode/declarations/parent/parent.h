/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_PARENT_PARENT_H
#define THAW_DECLARED_PARENT_PARENT_H

#include <base/affinity.h>
#include <base/error.h>
#include <base/id_space.h>
#include <base/rpc.h>
#include <session/session.h>
#include <util/attempt.h>
#include <base/capability.h>

namespace Genode {

	struct Parent
	{
		enum class Session_cap_error { DENIED, INSUFFICIENT_RAM, INSUFFICIENT_CAPS };

		using Session_result     = Attempt<Capability<Session>, Session_error>;
		using Session_cap_result = Attempt<Capability<Session>, Session_cap_error>;
		using Resource_args      = String<160>;
		using Service_name       = Rpc_in_buffer<64>;
		using Upgrade_args       = Rpc_in_buffer<160>;

		struct Session_args : Rpc_in_buffer<160>
		{
			enum { MAX_SIZE = 160 };
			using Rpc_in_buffer<160>::Rpc_in_buffer;
		};

		struct Client : Interface { using Id = Id_space<Client>::Id; };
		struct Server : Interface { };

		struct Env
		{
			static Client::Id cpu();
			static bool session_id(Client::Id);
		};

		virtual ~Parent();

		template <typename ROOT> void announce(Capability<ROOT> const &);
		virtual void announce(Service_name const &);

		void exit(int);
	};
}

#endif
