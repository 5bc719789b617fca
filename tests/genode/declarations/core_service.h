/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_CORE_SERVICE_H
#define THAW_DECLARED_CORE_SERVICE_H

#include <base/service.h>
#include <types.h>

namespace Core {

	template <typename SESSION>
	struct Core_service : Local_service<SESSION>
	{
		Core_service(Registry<Service> &, typename Local_service<SESSION>::Factory &);
	};
}

#endif
