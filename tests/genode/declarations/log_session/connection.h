/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_LOG_SESSION_CONNECTION_H
#define THAW_DECLARED_LOG_SESSION_CONNECTION_H

#include <base/connection.h>
#include <base/rpc_client.h>

namespace Genode {

	struct Log_session : Session
	{
		using String = Rpc_in_buffer<232>;

		virtual void write(String const &) = 0;

		GENODE_RPC(Rpc_write, void, write, String const &);
		GENODE_RPC_INTERFACE(Rpc_write);
	};

	struct Log_connection : Connection<Log_session>
	{
		Log_connection(Env &, Session_label const & = { });
		void write(Log_session::String const &);
	};
}

#endif
