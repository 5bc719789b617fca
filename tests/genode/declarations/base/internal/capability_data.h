/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_INTERNAL_CAPABILITY_DATA_H
#define THAW_DECLARED_BASE_INTERNAL_CAPABILITY_DATA_H

#include <base/capability.h>

struct Genode::Native_capability::Data
{
	using id_t = unsigned;

	id_t   id() const;
	addr_t kcap() const;
};

#endif
