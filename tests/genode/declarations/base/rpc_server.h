/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_RPC_SERVER_H
#define THAW_DECLARED_BASE_RPC_SERVER_H

#include <base/capability.h>
#include <base/thread.h>

namespace Genode {

	struct Msgbuf_base;
	struct Ipc_unmarshaller;

	struct Rpc_opcode         { long value; };
	struct Rpc_exception_code { long value; };

	struct Rpc_object_base : Interface, Noncopyable
	{
		virtual Rpc_exception_code dispatch(Rpc_opcode, Ipc_unmarshaller &, Msgbuf_base &) = 0;

		void                     cap(Untyped_capability);
		Untyped_capability const cap() const;
	};

	/* all functions of the interface are there and fit */
	template <typename INTERFACE, typename SERVER = INTERFACE>
	struct Rpc_object : Rpc_object_base, INTERFACE
	{
		Rpc_object() { INTERFACE::Rpc_functions::template served_by<SERVER>(); }

		Rpc_exception_code dispatch(Rpc_opcode, Ipc_unmarshaller &, Msgbuf_base &) override;

		Capability<INTERFACE> const cap() const;
	};

	struct Rpc_entrypoint : private Thread
	{
		using Thread::Name;
		using Thread::Stack_size;

		Rpc_entrypoint(Runtime &, Name const &, Stack_size, Affinity::Location);

		template <typename INTERFACE, typename SERVER> Capability<INTERFACE> manage(Rpc_object<INTERFACE, SERVER> *);
		template <typename INTERFACE, typename SERVER> void dissolve(Rpc_object<INTERFACE, SERVER> *);

		void insert(Rpc_object_base *);
		void remove(Rpc_object_base *);
		bool is_myself() const;

		template <typename FN>
		auto apply(Untyped_capability cap, FN const &fn) { return _apply(cap, fn, &FN::operator ()); }

		private:

			void entry() override;

			Rpc_object_base *_find(Untyped_capability);

			template <typename FN, typename RESULT, typename OBJECT>
			RESULT _apply(Untyped_capability cap, FN const &fn, RESULT (FN::*)(OBJECT *) const)
			{
				return fn(dynamic_cast<OBJECT *>(_find(cap)));
			}
	};
}

#endif
