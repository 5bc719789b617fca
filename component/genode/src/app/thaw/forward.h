/*
 * \brief  Session of another component's, which the target reaches through an RPC object of ours
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _FORWARD_H_
#define _FORWARD_H_

#include <base/ipc.h>
#include <foc/syscall.h>

#include <gates.h>
#include <quiet.h>

namespace Thaw {

	struct Forwarded;
	class  Own_gate;
	class  Forwarder;
}


/**
 * Any interface: its functions are known to the target and the server only
 */
struct Thaw::Forwarded : Genode::Session
{
	GENODE_RPC_INTERFACE();
};


/**
 * Tells the gate of the thread that serves it
 */
class Thaw::Own_gate : Genode::Noncopyable
{
	private:

		struct Interface : Genode::Interface
		{
			virtual void look() = 0;

			GENODE_RPC(Rpc_look, void, look);
			GENODE_RPC_INTERFACE(Rpc_look);
		};

		struct Object : Genode::Rpc_object<Interface, Object>
		{
			Genode::Native_capability gate { };

			void look() override { gate = of_myself(); }
		};

	public:

		static Genode::Native_capability of_myself()
		{
			enum { TCR_GATE = 1 };
			return Genode::Native_capability(
				(Genode::Native_capability::Data *)Foc::l4_utcb_tcr()->user[TCR_GATE]);
		}

		static Genode::Native_capability of(Genode::Rpc_entrypoint &ep)
		{
			Object object { };
			ep.manage(&object).call<Interface::Rpc_look>();
			ep.dissolve(&object);
			return object.gate;
		}
};


/*
 * Its thread is above all targets, so a request that a target makes is counted before anybody else of ours runs. While
 * none is counted and no target runs, no thread of a target waits for the server.
 */
class Thaw::Forwarder : public Genode::Rpc_object<Forwarded, Forwarder>
{
	private:

		using Msgbuf_base        = Genode::Msgbuf_base;
		using Ipc_unmarshaller   = Genode::Ipc_unmarshaller;
		using Rpc_exception_code = Genode::Rpc_exception_code;
		using Native_capability  = Genode::Native_capability;

		enum { STACK = 16*1024, MESSAGE_WORDS = 63, CAPS = Msgbuf_base::MAX_CAPS_PER_MSG };

		Native_capability const _session;

		Genode::Rpc_entrypoint _ep;
		Gates                  _gates;
		Quiet                 &_quiet;

		bool volatile _busy   = false;
		bool volatile _holds  = false;
		bool          _served = false;

		/* as much as fits behind label, count, opcode and capabilities, of which each takes a badge and two words */
		static Genode::size_t _payload_words(unsigned caps) { return MESSAGE_WORDS - 3 - 3*caps; }

		void _copy(Ipc_unmarshaller &in, Msgbuf_base &out)
		{
			using Genode::Meta::Overload_selector;

			Native_capability caps[CAPS] { };
			unsigned count = 0;
			for (unsigned i = 0; i < CAPS; i++) {
				in.extract(caps[i]);
				if (caps[i].valid()) count = i + 1;
			}
			for (unsigned i = 0; i < count; i++)
				out.insert(caps[i]);

			/* what the server gets it may keep */
			if (count) _holds = true;

			for (Genode::size_t i = 0; i < _payload_words(count); i++)
				out.insert(in.extract(Overload_selector<unsigned long>()));
		}

	public:

		Forwarder(Genode::Env &env, Gates::Core &core, Quiet &quiet, Native_capability session)
		:
			_session(session),
			_ep(env.runtime(), "forward", Genode::Thread::Stack_size { STACK }, Genode::Affinity::Location()),
			_gates(_ep, core, Own_gate::of(_ep)),
			_quiet(quiet)
		{
			if (core.constructed())
				(void)core->introduce(env.pd_session_cap());
		}

		~Forwarder() { if (_served) _gates.dissolve(*this); }

		/**
		 * Serve the target; with badge 0 core chooses one
		 */
		Core_session::Result serve(Gates::Word badge)
		{
			Core_session::Result const result = _gates.manage(*this, badge);
			_served = result == Core_session::Result::OK;
			return result;
		}

		Genode::Capability<Genode::Session> target_cap() const {
			return Genode::reinterpret_cap_cast<Genode::Session>(Genode::Rpc_object_base::cap()); }

		/**
		 * Whether the server has a request that is not answered
		 */
		bool busy() const { return _busy; }

		/**
		 * Whether the target gave the server a capability
		 */
		bool holds() const { return _holds; }

		Rpc_exception_code dispatch(Genode::Rpc_opcode op, Ipc_unmarshaller &in, Msgbuf_base &out) override
		{
			_busy = true;

			Genode::Msgbuf<1024> request, answer;
			request.insert(op);
			_copy(in, request);

			Rpc_exception_code const result = Genode::ipc_call(_session, request, answer, CAPS);

			for (unsigned i = 0; i < answer.used_caps(); i++)
				out.insert(answer.cap(i));
			out.insert(static_cast<char const *>(answer.data()), answer.data_size());

			_busy = false;
			_quiet.changed();
			return result;
		}
};

#endif /* _FORWARD_H_ */
