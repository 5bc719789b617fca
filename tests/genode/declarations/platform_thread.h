/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_PLATFORM_THREAD_H
#define THAW_DECLARED_PLATFORM_THREAD_H

#include <base/affinity.h>
#include <cap_mapping.h>

namespace Core { class Platform_thread; }

class Core::Platform_thread : Interface
{
	private:

		enum State { };

		State       _state;
		Cap_mapping _pager, _irq;

	public:

		Cap_mapping const &thread() const;
		Cap_mapping       &gate();
		String<32>         name() const;
		bool               core_thread() const;
		addr_t             utcb() const;
		unsigned           prio() const;
		Affinity::Location affinity() const;
};

#endif
