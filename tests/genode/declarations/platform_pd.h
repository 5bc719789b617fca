/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_PLATFORM_PD_H
#define THAW_DECLARED_PLATFORM_PD_H

#include <platform_thread.h>

namespace Core { class Platform_pd; }

class Core::Platform_pd
{
	private:

		Cap_mapping      _parent;
		Platform_thread *_threads[128];

	public:

		Native_capability native_task();
};

#endif
