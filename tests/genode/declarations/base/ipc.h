/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_IPC_H
#define THAW_DECLARED_BASE_IPC_H

#include <base/capability.h>
#include <base/rpc_server.h>

namespace Genode {

	namespace Meta { template <typename T> struct Overload_selector { }; }

	struct Msgbuf_base : Noncopyable
	{
		static constexpr size_t MAX_CAPS_PER_MSG = 4;

		void const              *data() const;
		size_t                   data_size() const;
		size_t                   used_caps() const;
		Native_capability const &cap(unsigned) const;

		template <typename T> void insert(T const &);
		void insert(char const *, size_t);
		void insert(Native_capability const &);
	};

	template <size_t BYTES> struct Msgbuf : Msgbuf_base { Msgbuf(); };

	struct Ipc_unmarshaller : Noncopyable
	{
		void extract(Native_capability &);
		template <typename T> T extract(Meta::Overload_selector<T>);
	};

	Rpc_exception_code ipc_call(Native_capability, Msgbuf_base &request, Msgbuf_base &answer, size_t caps);
}

#endif
