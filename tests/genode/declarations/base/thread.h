/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_THREAD_H
#define THAW_DECLARED_BASE_THREAD_H

#include <base/affinity.h>
#include <base/blockade.h>
#include <base/capability.h>
#include <base/log.h>
#include <cpu_session/cpu_session.h>

namespace Genode {

	struct Env;
	struct Runtime;

	struct Thread : Interface
	{
		using Name     = String<64>;
		using Location = Affinity::Location;

		struct Stack_size { size_t num_bytes; };

		enum class Start_result { OK, DENIED };

		Thread(Runtime &, Name const &, Stack_size, Location);
		Thread(Env &, Name const &, Stack_size, Location = { });

		virtual void         entry() = 0;
		virtual Start_result start();

		Thread_capability cap() const;

		static Thread *myself();
	};
}

#endif
