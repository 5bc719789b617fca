/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_CPU_SESSION_CPU_SESSION_H
#define THAW_DECLARED_CPU_SESSION_CPU_SESSION_H

#include <base/affinity.h>
#include <base/capability.h>
#include <base/error.h>
#include <dataspace/capability.h>
#include <session/session.h>
#include <util/attempt.h>

namespace Genode {

	struct Cpu_thread : Interface { };
	struct Pd_session;

	using Thread_capability = Capability<Cpu_thread>;

	struct Cpu_session : Session
	{
		using Name = String<32>;

		struct Native_cpu;

		using Create_thread_error  = Alloc_error;
		using Create_thread_result = Attempt<Thread_capability, Create_thread_error>;

		Create_thread_result   create_thread(Capability<Pd_session>, Name const &, Affinity::Location, addr_t = 0);
		void                   kill_thread(Thread_capability);
		Dataspace_capability   trace_control();
		Capability<Native_cpu> native_cpu();
	};
}

#endif
