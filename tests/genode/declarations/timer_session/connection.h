/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_TIMER_SESSION_CONNECTION_H
#define THAW_DECLARED_TIMER_SESSION_CONNECTION_H

#include <base/connection.h>
#include <base/entrypoint.h>

namespace Genode {

	struct Microseconds { uint64_t value; };
	struct Duration     { Microseconds trunc_to_plain_us() const; };
}

namespace Timer {

	using Genode::uint64_t;

	struct Session : Genode::Session
	{
		virtual void     trigger_once(uint64_t) = 0;
		virtual void     trigger_periodic(uint64_t) = 0;
		virtual void     sigh(Genode::Signal_context_capability) = 0;
		virtual uint64_t elapsed_ms() const = 0;
		virtual uint64_t elapsed_us() const = 0;
		virtual void     msleep(uint64_t) = 0;
		virtual void     usleep(uint64_t) = 0;

		GENODE_RPC(Rpc_trigger_once,     void,     trigger_once, uint64_t);
		GENODE_RPC(Rpc_trigger_periodic, void,     trigger_periodic, uint64_t);
		GENODE_RPC(Rpc_sigh,             void,     sigh, Genode::Signal_context_capability);
		GENODE_RPC(Rpc_elapsed_ms,       uint64_t, elapsed_ms);
		GENODE_RPC(Rpc_elapsed_us,       uint64_t, elapsed_us);
		GENODE_RPC_INTERFACE(Rpc_trigger_once, Rpc_trigger_periodic, Rpc_sigh, Rpc_elapsed_ms, Rpc_elapsed_us);
	};

	struct Connection : Genode::Connection<Session>
	{
		Connection(Genode::Env &);

		Genode::Duration curr_time();
		uint64_t         elapsed_us() const;
		uint64_t         elapsed_ms() const;
		void             sigh(Genode::Signal_context_capability);
		void             trigger_once(uint64_t);
		void             trigger_periodic(uint64_t);
		void             msleep(uint64_t);
	};

	template <typename HANDLER>
	struct One_shot_timeout : private Genode::Noncopyable
	{
		One_shot_timeout(Connection &, HANDLER &, void (HANDLER::*)(Genode::Duration));

		void schedule(Genode::Microseconds);
		void discard();
	};
}

#endif
